package people

import (
	"errors"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// withStore is a Service on a store that has one user with the credentials.
func withStore(t *testing.T, creds ...storage.Credential) (*Service, storage.User) {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	u := storage.User{TenantID: storage.DefaultTenant, ID: "jo", Username: "jo", UsernameKey: "jo",
		CreatedAt: time.Now(), UpdatedAt: time.Now()}
	ch := storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: time.Now(), Add: &u, Credentials: creds}
	if err := store.Apply(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	s := withSecrets(t)
	s.Store = store
	return s, u
}

func TestOnlyAFreshSignInWithAllFactorsMakesAnOwner(t *testing.T) {
	t.Parallel()
	plain, jo := withStore(t)
	factor, _ := withStore(t, storage.Credential{Kind: storage.TOTPCredential, Data: []byte("x"), CreatedAt: time.Now(),
		UpdatedAt: time.Now()})
	now := time.Now()
	for _, c := range []struct {
		name   string
		s      *Service
		proven time.Time
		acr    string
		want   error
	}{
		{"just now", plain, now, storage.ACRPassword, nil},
		{"almost too late", plain, now.Add(time.Minute - Freshness), storage.ACRPassword, nil},
		{"too late", plain, now.Add(-Freshness - time.Second), storage.ACRPassword, ErrSignInFirst},
		{"too late, with a factor", factor, now.Add(-Freshness - time.Second), storage.ACRMultiFactor, ErrSignInFirst},
		{"without the factor", factor, now, storage.ACRPassword, ErrFactorFirst},
		{"on a remembered device", factor, now, storage.ACRRemembered, ErrFactorFirst},
		{"with the factor", factor, now, storage.ACRMultiFactor, nil},
	} {
		o, err := c.s.Owner(t.Context(), jo, c.proven, c.acr)
		if !errors.Is(err, c.want) || (err == nil) != (o.user.ID == jo.ID) {
			t.Errorf("%s: got %q and %v, want %v", c.name, o.user.ID, err, c.want)
		}
	}
}

func TestAFirstPasswordNeedsTheOwner(t *testing.T) {
	t.Parallel()
	s, jo := withStore(t)
	_, other := withStore(t)
	other.ID = "mo"
	for _, o := range []Owner{{}, {other}} {
		_, err := s.ChangePassword(t.Context(), *askerAt(storage.DefaultTenant), jo,
			NewPassword{New: "correct horse battery", Owner: o})
		if !errors.Is(err, ErrSignInFirst) {
			t.Errorf("by %q: got %v, want %v", o.user.ID, err, ErrSignInFirst)
		}
	}
}
