package threats

import (
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/receiver"
)

// j7: an app that keeps its users signed in is told whenever their session ends, wherever that happens. go-oidc
// verifies what it is told.
func j7(t *testing.T, s *vouchsafetest.Server) {
	host := receiver.NewLogouts(t)
	app := host.Has(t, s)
	ctx := oidc.ClientContext(t.Context(), s.HTTP(t))
	provider, err := oidc.NewProvider(ctx, s.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: app.ID()})
	ended := func(told receiver.Logout) *oidc.LogoutToken {
		t.Helper()
		form, err := url.ParseQuery(told.Body)
		if err != nil {
			t.Fatal(err)
		}
		token, err := verifier.VerifyLogout(ctx, form.Get("logout_token"))
		if err != nil {
			t.Fatalf("go-oidc refuses the logout token: %v", err)
		}
		return token
	}
	n, jtis := 0, map[string]bool{}
	for _, way := range []struct {
		name string
		end  func(p vouchsafetest.Person, b *vouchsafetest.Browser)
	}{
		{"the page /signout", func(_ vouchsafetest.Person, b *vouchsafetest.Browser) {
			b.ConfirmSignOut(t, b.Get(t, "/signout"))
		}},
		{"another app", func(_ vouchsafetest.Person, b *vouchsafetest.Browser) {
			hint := tokens(t, s, b, vouchsafetest.NewRequest(vouchsafetest.Other)).ID()
			b.Get(t, "/logout?"+url.Values{"id_token_hint": {hint}}.Encode())
		}},
		{"the list of sessions, elsewhere", func(p vouchsafetest.Person, _ *vouchsafetest.Browser) {
			at(t, s, p, "/account/sessions", url.Values{"others": {"1"}})
		}},
		{"a new password, elsewhere", func(p vouchsafetest.Person, _ *vouchsafetest.Browser) {
			at(t, s, p, "/account/password", url.Values{"old_password": {p.Password}, "password": {"another-password-9xQ2"}})
		}},
		{"deletion by the user", func(p vouchsafetest.Person, _ *vouchsafetest.Browser) {
			at(t, s, p, "/account/delete", url.Values{"sure": {"1"}})
		}},
		{"an administrator who ends the sessions", func(p vouchsafetest.Person, _ *vouchsafetest.Browser) {
			s.Command(t, "", "user", "sign-out", p.Email, "--yes")
		}},
		{"an administrator who sets a password", func(p vouchsafetest.Person, _ *vouchsafetest.Browser) {
			s.Command(t, "another-password-9xQ2\n", "user", "password", p.Email, "--password-stdin")
		}},
		{"an administrator who locks the account", func(p vouchsafetest.Person, _ *vouchsafetest.Browser) {
			s.Command(t, "", "user", "disable", p.Email)
		}},
		{"an administrator who removes the account", func(p vouchsafetest.Person, _ *vouchsafetest.Browser) {
			s.Command(t, "", "user", "remove", p.Email, "--yes")
		}},
	} {
		p := s.Person(t)
		b := s.Browser(t, p)
		r := vouchsafetest.NewRequest(app)
		id := s.API(t).IDToken(t, app, r, tokens(t, s, b, r))
		way.end(p, b)
		n++
		token := ended(host.Wait(t, app, n)[n-1])
		if token.SessionID != id.String("sid") || token.Subject != id.String("sub") || jtis[token.TokenID] {
			t.Errorf("%s: got %+v, want the session %s", way.name, token, id.String("sid"))
		}
		jtis[token.TokenID] = true
	}
	// Two sessions that end together are two: each has its own sid.
	p, sids := s.Person(t), map[string]bool{}
	for range 2 {
		r := vouchsafetest.NewRequest(app)
		sids[s.API(t).IDToken(t, app, r, tokens(t, s, s.Browser(t, p), r)).String("sid")] = true
	}
	s.Command(t, "", "user", "sign-out", p.Email, "--yes")
	for _, told := range host.Wait(t, app, n+2)[n:] {
		delete(sids, ended(told).SessionID)
	}
	if len(sids) > 0 {
		t.Errorf("the app was not told of %v", sids)
	}
}
