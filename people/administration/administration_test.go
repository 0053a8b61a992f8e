package administration_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// accounts are those of an empty database.
func accounts(t *testing.T) (*sqldb.Store, *administration.Accounts, people.Asker) {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	hasher, err := password.New(argon2id.Params{Memory: 64, Time: 1, Threads: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tenant, err := store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	policy := &password.Policy{MinScore: password.MinScore}
	return store, &administration.Accounts{Store: store, Policy: policy, Passwords: hasher}, people.Asker{
		Tenant: &issuer.Tenant{Tenant: tenant, Issuer: "https://id.example.com"}, Actor: people.ActorCommand,
	}
}

// add adds a user as an administrator enters it.
func add(t *testing.T, s *administration.Accounts, a people.Asker, row importing.Row) (storage.User, error) {
	t.Helper()
	u, err := s.Check(t.Context(), a, row, false)
	if err != nil {
		return storage.User{}, err
	}
	return s.Add(t.Context(), a, u, nil)
}

// TestEveryChangeIsRecordedWithItsActor does to a user all that an administrator can.
func TestEveryChangeIsRecordedWithItsActor(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	ctx := t.Context()
	u, err := add(t, s, a, importing.Row{Email: "Jo@example.com", Username: "jo"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{u.ID, "jo@EXAMPLE.com", "JO"} {
		if found, err := s.Find(ctx, a, name); err != nil || found.ID != u.ID {
			t.Errorf("%s: got %q, %v", name, found.ID, err)
		}
	}
	hash, weak, err := s.NewPassword(ctx, u, "correct horse battery staple nine", false)
	if weak != nil || err != nil {
		t.Fatal(weak, err)
	}
	for _, do := range []error{
		s.SetPassword(ctx, a, u.ID, hash), s.Recover(ctx, a, u.ID), s.Disable(ctx, a, u.ID),
		s.Enable(ctx, a, u.ID), s.Remove(ctx, a, u.ID),
	} {
		if do != nil {
			t.Error(do)
		}
	}
	events, err := store.EventsAfter(ctx, storage.DefaultTenant, "", time.Now().Add(time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind)
		if e.Actor != people.ActorCommand || e.UserID != u.ID {
			t.Errorf("%s: got actor %q and user %q", e.Kind, e.Actor, e.UserID)
		}
	}
	want := []string{
		storage.EventUserAdded, storage.EventPasswordSet, storage.EventFactorOff, storage.EventUserDisabled,
		storage.EventUserEnabled, storage.EventUserRemoved,
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("got %v, want %v", kinds, want)
	}
	if err := s.Disable(ctx, a, u.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("of a removed user: got %v", err)
	}
}

// TestFaultsHaveIDs enters what the rules refuse. Nothing of it is stored or recorded.
func TestFaultsHaveIDs(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	phone := importing.Row{Email: "jo@example.com", Username: "jo", Phone: "+436601234567", PhoneVerified: true}
	if _, err := add(t, s, a, phone); err != nil {
		t.Fatal(err)
	}
	for want, row := range map[string]importing.Row{
		"names.missing":      {},
		"email.form":         {Email: "nonsense"},
		"username.reserved":  {Email: "a@example.com", Username: "administrator"},
		"username.address":   {Email: "a@example.com", Username: "b@example.com"},
		"phone_number.form":  {Email: "a@example.com", Phone: "0660"},
		"phone_number.taken": {Email: "a@example.com", Phone: "+436601234567", PhoneVerified: true},
		"text.url":           {Email: "a@example.com", Profile: storage.Profile{Picture: "javascript:alert(1)"}},
		"taken":              {Email: "JO@example.com"},
	} {
		_, err := add(t, s, a, row)
		if fault, ok := errors.AsType[*importing.Fault](err); !ok || fault.ID != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	events, err := store.EventsAfter(t.Context(), storage.DefaultTenant, "", time.Now().Add(time.Hour), 100)
	if err != nil || len(events) != 1 {
		t.Errorf("got %d events, %v; want that of the first user", len(events), err)
	}
}

// TestTheFirstAdministratorSpendsTheLink adds two: the first spends the link by which one is made.
func TestTheFirstAdministratorSpendsTheLink(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	once := storage.FirstAdministrator()
	for i, email := range []string{"a@example.com", "b@example.com"} {
		if spent, err := store.IsSpent(t.Context(), once.TenantID, once.Purpose, once.Value); err != nil || spent != (i > 0) {
			t.Errorf("before %s: spent %v, %v", email, spent, err)
		}
		if _, err := add(t, s, a, importing.Row{Email: email, Roles: []string{storage.RoleAdmin}}); err != nil {
			t.Error(err)
		}
	}
}

// TestWeakPasswords are refused, or accepted with a warning.
func TestWeakPasswords(t *testing.T) {
	t.Parallel()
	_, s, _ := accounts(t)
	u := storage.User{Email: "kim@example.com"}
	if _, _, err := s.NewPassword(t.Context(), u, "password1", false); !errors.Is(err, password.ErrCommon) {
		t.Errorf("got %v", err)
	}
	if hash, weak, err := s.NewPassword(t.Context(), u, "password1", true); hash == nil ||
		!errors.Is(weak, password.ErrCommon) || err != nil {
		t.Errorf("got %v, %v", weak, err)
	}
	if _, _, err := s.NewPassword(t.Context(), u, "short", true); !errors.Is(err, password.ErrTooShort) {
		t.Errorf("got %v", err)
	}
}

// busy is a store in which the user is renamed between an administrator's reading and writing.
type busy struct {
	*sqldb.Store
	rename func()
}

func (b *busy) Apply(ctx context.Context, ch storage.Change) error {
	if b.rename != nil {
		b.rename()
		b.rename = nil
	}
	return b.Store.Apply(ctx, ch)
}

// TestDisablingUndoesNoOtherChange: what the user saves at that moment stays.
func TestDisablingUndoesNoOtherChange(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	ctx := t.Context()
	u, err := add(t, s, a, importing.Row{Email: "jo@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []func(context.Context, people.Asker, string) error{s.Disable, s.Enable} {
		name := uuid.NewString()
		s.Store = &busy{store, func() {
			u, err := store.User(ctx, u.TenantID, u.ID)
			if err != nil {
				t.Fatal(err)
			}
			u.Profile.Name, u.UpdatedAt = name, u.UpdatedAt.Add(time.Millisecond)
			if err := store.Apply(ctx, storage.Change{TenantID: u.TenantID, UserID: u.ID, Update: &u}); err != nil {
				t.Fatal(err)
			}
		}}
		if err := set(ctx, a, u.ID); err != nil {
			t.Fatal(err)
		}
		if u, err := store.User(ctx, u.TenantID, u.ID); err != nil || u.Profile.Name != name {
			t.Errorf("got the name %q, %v, want the one that was saved meanwhile", u.Profile.Name, err)
		}
	}
	if u, err := store.User(ctx, u.TenantID, u.ID); err != nil || u.Disabled {
		t.Errorf("got %+v, %v, want the user enabled", u, err)
	}
}
