package administration_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestEdit(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	ctx := t.Context()
	if _, err := add(t, s, a, importing.Row{Email: "taken@example.com", Username: "taken"}); err != nil {
		t.Fatal(err)
	}
	jo, err := add(t, s, a, importing.Row{Email: "jo@example.com", EmailVerified: true, Username: "jo"})
	if err != nil {
		t.Fatal(err)
	}
	if jo, err = store.User(ctx, a.Tenant.ID, jo.ID); err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	text := func(s string) *string { return &s }
	edit := func(e importing.Edit) storage.User {
		t.Helper()
		u, _, err := s.Edit(ctx, a, jo.ID, administration.Edit{Edit: e}, false)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	if u := edit(importing.Edit{}); !u.UpdatedAt.Equal(jo.UpdatedAt) {
		t.Errorf("an empty edit changed %+v", u)
	}
	if u := edit(importing.Edit{Email: text("New@example.com")}); u.EmailKey != "new@example.com" || u.EmailVerified {
		t.Errorf("got %+v, want a new address that is not verified", u)
	}
	if u := edit(importing.Edit{EmailVerified: &yes, Admin: &yes}); !u.EmailVerified ||
		!slices.Equal(u.Roles, []string{storage.RoleAdmin}) {
		t.Errorf("got %+v", u)
	}
	if u := edit(importing.Edit{Admin: &no, Username: text("joanna"), Phone: text("+436641234567")}); len(u.Roles) > 0 ||
		u.UsernameKey != "joanna" || u.UsernameSkeleton == "" || u.PhoneVerified {
		t.Errorf("got %+v", u)
	}
	named := &storage.Profile{Name: "Jo"}
	if u := edit(importing.Edit{Username: text(""), Phone: text(""), Profile: named}); u.Username != "" ||
		u.UsernameKey != "" || u.Phone != "" || u.Profile.Name != "Jo" {
		t.Errorf("got %+v", u)
	}
	stored, err := store.User(ctx, a.Tenant.ID, jo.ID)
	if err != nil || stored.Email != "New@example.com" || stored.Username != "" {
		t.Errorf("got %+v, %v", stored, err)
	}
	for _, e := range []importing.Edit{
		{Email: text("taken@example.com")}, {Username: text("Taken")}, {Email: text("")}, {Email: text("no address")},
		{Phone: text("123")}, {Username: text("support")}, {Username: text("x@example.com")},
		{Profile: &storage.Profile{Website: "javascript:alert(1)"}},
	} {
		_, _, err := s.Edit(ctx, a, jo.ID, administration.Edit{Edit: e}, false)
		if _, ok := errors.AsType[*importing.Fault](err); !ok {
			t.Errorf("%+v: got %v, want a fault", e, err)
		}
	}
	if again, err := store.User(ctx, a.Tenant.ID, jo.ID); err != nil || !again.UpdatedAt.Equal(stored.UpdatedAt) {
		t.Errorf("a refused edit changed %+v, %v", again, err)
	}
	reserved := administration.Edit{Edit: importing.Edit{Username: text("support")}}
	if _, _, err := s.Edit(ctx, a, jo.ID, reserved, true); err != nil {
		t.Errorf("a reserved username, allowed: got %v", err)
	}
	admin := administration.Edit{Edit: importing.Edit{Admin: &yes}}
	if _, _, err := s.Edit(ctx, a, "none", admin, false); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	events, err := store.EventsOf(ctx, a.Tenant.ID, jo.ID, "", 50)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range slices.Backward(events) {
		kinds = append(kinds, e.Kind)
	}
	want := []string{"user.added", "email.changed", "email.confirmed", "profile.changed", "phone.changed",
		"profile.changed", "phone.removed", "profile.changed", "profile.changed"}
	if !slices.Equal(kinds, want) {
		t.Errorf("got %v, want %v", kinds, want)
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	u := administration.Listed{User: storage.User{Email: "Jo@Example.com", Username: "jd", Phone: "+43664",
		Profile: storage.Profile{Name: "Jo Doe"}}}
	safe := u
	safe.EmailVerified, safe.Disabled, safe.Standing.SecondFactor = true, true, true
	for _, c := range []struct {
		f          administration.Filter
		plain, not bool // whether u and safe match
	}{
		{administration.Filter{}, true, true},
		{administration.Filter{Unverified: true}, true, false},
		{administration.Filter{Disabled: true}, false, true},
		{administration.Filter{NoSecondFactor: true}, true, false},
		{administration.Filter{Query: "EXAMPLE"}, true, true},
		{administration.Filter{Query: "doe"}, true, true},
		{administration.Filter{Query: "kim"}, false, false},
		{administration.Filter{Query: "jo", Disabled: true}, false, true},
	} {
		if got := c.f.Matches(u); got != c.plain {
			t.Errorf("%+v: got %v", c.f, got)
		}
		if got := c.f.Matches(safe); got != c.not {
			t.Errorf("%+v of a disabled user with a second factor: got %v", c.f, got)
		}
	}
}

// interrupted is a Store in which something happens after a user was read for the first time.
type interrupted struct {
	administration.Store
	happen func()
}

// User implements storage.Users.
func (i *interrupted) User(ctx context.Context, tenant, id string) (storage.User, error) {
	u, err := i.Store.User(ctx, tenant, id)
	if happen := i.happen; happen != nil {
		i.happen = nil
		happen()
	}
	return u, err
}

// TestAnEditKeepsWhatChangedMeanwhile disables a user while an administrator edits the name.
func TestAnEditKeepsWhatChangedMeanwhile(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	jo, err := add(t, s, a, importing.Row{Email: "jo@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	other := *s
	s.Store = &interrupted{Store: store, happen: func() {
		if err := other.Disable(t.Context(), a, jo.ID); err != nil {
			t.Error(err)
		}
	}}
	name := "joanna"
	edit := administration.Edit{Edit: importing.Edit{Username: &name}}
	if _, _, err := s.Edit(t.Context(), a, jo.ID, edit, false); err != nil {
		t.Fatal(err)
	}
	if got, err := store.User(t.Context(), jo.TenantID, jo.ID); err != nil || !got.Disabled || got.Username != name {
		t.Errorf("got %+v, %v, want a disabled user named %s", got, err, name)
	}
}
