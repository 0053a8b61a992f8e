package threats

import (
	"net/url"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func accountRows() []row {
	return []row{
		{"E7 H11 password changed at the account page", e7(func(t *testing.T, s *vouchsafetest.Server, d *doomed) {
			at(t, s, d.person, "/account/password",
				url.Values{"old_password": {d.person.Password}, "password": {"another-password-9xQ2"}})
		})},
		{"E7 account deleted by its person", e7(func(t *testing.T, s *vouchsafetest.Server, d *doomed) {
			at(t, s, d.person, "/account/delete", url.Values{"sure": {"1"}})
		})},
		{"E7 H11 signed out everywhere else", h11Elsewhere},
		{"E7 H14 app disconnected", h14App},
		{"H2 H12 H14 forms of the account", h12},
	}
}

// at fills in a page of the account in another browser of the user's.
func at(t *testing.T, s *vouchsafetest.Server, p vouchsafetest.Person, path string,
	fields url.Values,
) *vouchsafetest.Browser {
	t.Helper()
	b := s.Browser(t, p)
	page := b.SignIn(t, b.Get(t, path), p)
	if page.URL.Path != path || page.Status != 200 {
		t.Fatalf("signing in led to %s: %d", page.URL, page.Status)
	}
	fill(t, b, page, fields)
	return b
}

// fill submits the last form of the page.
func fill(t *testing.T, b *vouchsafetest.Browser, page *vouchsafetest.Page, fields url.Values) {
	t.Helper()
	forms := page.Forms(t)
	if len(forms) == 0 {
		t.Fatalf("%s has no form: %d", page.URL, page.Status)
	}
	f := forms[len(forms)-1]
	for name, values := range fields {
		f.Fields[name] = values
	}
	if after := b.Submit(t, f, nil); after.Status != 200 {
		t.Fatalf("%s: got %d at %s: %s", page.URL.Path, after.Status, after.URL.Path, after.Text(t))
	}
}

func h11Elsewhere(t *testing.T, s *vouchsafetest.Server) {
	d := newDoomed(t, s)
	r := vouchsafetest.NewRequest(web)
	code := d.browser.Code(t, r) // under way
	b := at(t, s, d.person, "/account/sessions", url.Values{"others": {"1"}})
	for name, h := range d.held {
		t.Run(name, func(t *testing.T) { wantDead(t, s, h.client, h.reply) })
	}
	s.API(t).Redeem(t, r, code).Want(t, 400, "invalid_grant")
	wantError(t, d.browser.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
	wantAlive(t, s, tokens(t, s, b, vouchsafetest.NewRequest(web)))
}

func h14App(t *testing.T, s *vouchsafetest.Server) {
	d, other := newDoomed(t, s), newDoomed(t, s)
	at(t, s, d.person, "/account/apps", url.Values{"client": {"web"}})
	for name, h := range d.held {
		t.Run(name, func(t *testing.T) {
			if h.client.ID() == "web" {
				wantDead(t, s, h.client, h.reply)
			} else {
				wantAlive(t, s, h.reply)
			}
		})
	}
	for name, h := range other.held {
		t.Run("another's "+name, func(t *testing.T) { wantAlive(t, s, h.reply) })
	}
}

// h12 sends forms of the account from other sites, without their token, and about sessions of
// others. None may have an effect.
func h12(t *testing.T, s *vouchsafetest.Server) {
	mallory, victim := s.Person(t), newDoomed(t, s)
	b := s.Browser(t, mallory)
	own := b.SignIn(t, b.Get(t, "/account/delete"), mallory).Forms(t)
	v := s.Browser(t, victim.person)
	page := v.SignIn(t, v.Get(t, "/account/delete"), victim.person)
	fields := page.Forms(t)[0].Fields
	with := func(name string, value ...string) url.Values {
		out := url.Values{"sure": {"1"}, "others": {"1"}, "client": {"web"}, "email": {"mallory@evil.example"},
			"password": {"another-password-9xQ2"}, "old_password": {victim.person.Password}}
		for n, values := range fields {
			out[n] = values
		}
		if out[name] = value; len(value) == 0 {
			delete(out, name)
		}
		return out
	}
	for _, path := range []string{"/account/delete", "/account/password", "/account/email", "/account/sessions",
		"/account/apps", "/account/profile", "/account/data"} {
		for _, origin := range []string{"https://evil.example", "null", v.Server.Origin() + ".evil.example"} {
			if p := v.PostFrom(t, origin, path, with("x", "y")); p.Status != 403 {
				t.Errorf("%s from %s: got %d, want 403", path, origin, p.Status)
			}
		}
		if p := v.Post(t, path, with("form")); p.Status != 403 {
			t.Errorf("%s without its token: got %d, want 403", path, p.Status)
		}
		if p := v.Post(t, path, with("form", own[0].Fields.Get("form"))); p.Status != 403 {
			t.Errorf("%s with another browser's token: got %d, want 403", path, p.Status)
		}
		for _, session := range [][]string{nil, {""}, {own[0].Fields.Get("session")}} {
			if p := v.Post(t, path, with("session", session...)); p.Status != 409 {
				t.Errorf("%s about the session %q: got %d, want 409", path, session, p.Status)
			}
		}
		// Mallory's browser, the victim's session.
		theirs := with("form", own[0].Fields.Get("form"))
		if p := b.Post(t, path, theirs); p.Status != 409 {
			t.Errorf("%s about a stranger's session: got %d, want 409", path, p.Status)
		}
	}
	for _, h := range victim.held {
		wantAlive(t, s, h.reply)
	}
	for _, x := range []*vouchsafetest.Browser{b, v, victim.browser} {
		if p := x.Get(t, "/account"); p.URL.Path != "/account" || p.Status != 200 {
			t.Errorf("a user was signed out: got to %s", p.URL)
		}
	}
}
