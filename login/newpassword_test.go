package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// asked is a request at the default tenant with the given settings.
func (s *site) asked(settings storage.TenantSettings) *http.Request {
	s.t.Helper()
	tenant := &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant, Name: "Acme", Settings: settings},
		Issuer: s.url}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	return r.WithContext(web.WithTenant(context.WithoutCancel(s.t.Context()), tenant))
}

func TestFormerPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	history := func(n int) storage.TenantSettings {
		return storage.TenantSettings{Passwords: storage.PasswordSettings{History: &n}}
	}
	secret := func(n int) string { return fmt.Sprintf("purple walrus umbrella %d", n) }
	for _, test := range []struct {
		settings storage.TenantSettings
		refused  int // passwords before the current one
	}{{storage.TenantSettings{}, 3}, {history(1), 1}, {history(0), -1}} {
		user := s.user("default", fmt.Sprintf("jo%d@example.com", test.refused), "", secret(0))
		current := secret(0)
		set := func(secret string) error {
			t.Helper()
			r := s.asked(test.settings)
			u, err := s.store.User(t.Context(), "default", user.ID)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.login.ChangePassword(r.Context(), s.login.site.Asker(r), u, people.NewPassword{Old: current, New: secret})
			if err == nil {
				current = secret
			}
			return err
		}
		const last = 6
		for i := 1; i <= last; i++ {
			if err := set(secret(i)); err != nil {
				t.Fatalf("%d: a new password: %v", test.refused, err)
			}
		}
		var faults people.Faults
		for i := last; i >= last-test.refused; i-- {
			if err := set(secret(i)); !errors.As(err, &faults) || faults[0].Text != "password.reused" {
				t.Errorf("%d: the password %d changes ago: got %v", test.refused, last-i, err)
			}
		}
		if err := set(secret(last - test.refused - 1)); test.refused >= 0 && err != nil {
			t.Errorf("%d: one that is out of memory: got %v", test.refused, err)
		}
		if err := set(secret(last)); test.refused < 0 && err != nil {
			t.Errorf("no history, the current one: got %v", err)
		}
	}
}

func TestAPasswordsChangeEndsWhatItOpened(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "jo", right)
	v := s.visitor()
	v.signIn("jo", right)
	code := s.newCode(storage.CodeEmail, "new@example.com", user.ID, nil, time.Hour)
	if err := storagetest.PutCode(t.Context(), s.store, code.Code); err != nil {
		t.Fatal(err)
	}
	r := s.asked(storage.TenantSettings{})
	change := func(old, new string) error {
		_, err := s.login.ChangePassword(r.Context(), s.login.site.Asker(r), user, people.NewPassword{Old: old, New: new})
		return err
	}
	for _, bad := range []string{"", "short", "jo@example.com", "password1"} {
		var faults people.Faults
		if err := change(right, bad); !errors.As(err, &faults) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	must(t, change(right, "purple walrus umbrella"))
	if err := change("purple walrus umbrella", "another walrus umbrella"); !errors.Is(err, people.ErrChangedMeanwhile) {
		t.Errorf("a change of the user as read before: got %v", err)
	}
	if m := s.mails.Next(t, "jo@example.com"); m.Code != "" || !strings.HasPrefix(m.Link, s.url+"/not-me?t=") ||
		strings.Count(m.Text, "http") != 1 {
		t.Errorf("the notice leads elsewhere than to the page that says it was not its reader: %+v", m)
	}
	if p := v.get("/signout"); p.location() != "/signed-out" {
		t.Error("the session lives on")
	}
	if _, err := s.store.Code(t.Context(), "default", code.ID, time.Now()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a change that waits for a code: got %v", err)
	}
}
