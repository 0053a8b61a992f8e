package threats

import (
	"net/url"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func deathRows() []row {
	return []row{
		{"E7 password changed", e7(func(t *testing.T, s *vouchsafetest.Server, d *doomed) {
			s.Command(t, "another-password-9xQ2\n", "user", "password", d.person.Email, "--password-stdin")
		})},
		{"E7 user disabled", e7(func(t *testing.T, s *vouchsafetest.Server, d *doomed) {
			s.Command(t, "", "user", "disable", d.person.Email)
		})},
		{"E7 user removed", e7(func(t *testing.T, s *vouchsafetest.Server, d *doomed) {
			s.Command(t, "", "user", "remove", d.person.Email, "--yes")
		})},
		{"E7 client removed", e7Client},
		{"E7 signed out", e7SignedOut},
		{"E7 enabled again", e7Again},
		{"E7 A15 tenant disabled", e7Tenant},
	}
}

// doomed is a user with tokens of several kinds.
type doomed struct {
	person  vouchsafetest.Person
	browser *vouchsafetest.Browser
	held    map[string]held
}

type held struct {
	client vouchsafetest.Client
	reply  *vouchsafetest.Reply
}

func newDoomed(t *testing.T, s *vouchsafetest.Server) *doomed {
	t.Helper()
	d := &doomed{person: s.Person(t), held: map[string]held{}}
	d.browser = s.Browser(t, d.person)
	for _, c := range []vouchsafetest.Client{web, vouchsafetest.Public, vouchsafetest.Opaque} {
		d.held[c.ID()] = held{c, tokens(t, s, d.browser, vouchsafetest.NewRequest(c))}
		d.held[c.ID()+" offline"] = held{c,
			tokens(t, s, d.browser, vouchsafetest.NewRequest(c, "scope", "openid offline_access", "prompt", "consent"))}
	}
	return d
}

// e7 checks that everything ends at once, without waiting for a cache.
func e7(kill func(*testing.T, *vouchsafetest.Server, *doomed)) func(*testing.T, *vouchsafetest.Server) {
	return func(t *testing.T, s *vouchsafetest.Server) {
		d := newDoomed(t, s)
		r := vouchsafetest.NewRequest(web)
		code := d.browser.Code(t, r) // under way
		kill(t, s, d)
		for name, h := range d.held {
			t.Run(name, func(t *testing.T) { wantDead(t, s, h.client, h.reply) })
		}
		s.API(t).Redeem(t, r, code).Want(t, 400, "invalid_grant")
		wantError(t, d.browser.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
		d.browser.Authorize(t, vouchsafetest.NewRequest(web)) // the old password, which is no use
		if a := d.browser.Authorize(t, vouchsafetest.NewRequest(web)); a.Code() != "" {
			t.Error("the browser is signed in")
		}
	}
}

func e7Client(t *testing.T, s *vouchsafetest.Server) {
	c := s.AddClient(t)
	reply := tokens(t, s, jo(t, s), vouchsafetest.NewRequest(c))
	s.Command(t, "", "client", "remove", c.ID(), "--yes")
	api := s.API(t)
	if info := api.Userinfo(t, reply.Access()); info.Status != 401 {
		t.Errorf("user info with a token of a removed client: got %d, want 401", info.Status)
	}
	if api.Active(t, vouchsafetest.Inspector, reply.Access()) {
		t.Error("introspection calls a removed client's token active")
	}
	if got := api.Renew(t, c, reply.Refresh()); got.Status != 400 && got.Status != 401 {
		t.Errorf("a removed client's refresh token: got %d %s", got.Status, got.Raw)
	}
}

func e7SignedOut(t *testing.T, s *vouchsafetest.Server) {
	d := newDoomed(t, s)
	hint := d.held["web"].reply.ID()
	page := d.browser.Get(t, "/logout?"+url.Values{"id_token_hint": {hint},
		"post_logout_redirect_uri": {"https://rp.example/signed-out"}}.Encode())
	if page.Left == nil {
		t.Fatalf("got %s, want to be signed out", page.URL.Path)
	}
	for name, h := range d.held {
		t.Run(name, func(t *testing.T) {
			switch name {
			case "public offline", "opaque offline": // they outlive the session, as was asked
				wantAlive(t, s, h.reply)
				s.API(t).Renew(t, h.client, h.reply.Refresh()).Want(t, 200, "")
			default: // the client that signs out gives up its own, offline or not
				wantDead(t, s, h.client, h.reply)
			}
		})
	}
}

// e7Again: what has ended does not come back when its cause is undone.
func e7Again(t *testing.T, s *vouchsafetest.Server) {
	d := newDoomed(t, s)
	s.Command(t, "", "user", "disable", d.person.Email)
	for _, h := range d.held {
		wantDead(t, s, h.client, h.reply)
	}
	s.Command(t, "", "user", "enable", d.person.Email)
	for name, h := range d.held {
		if got := s.API(t).Renew(t, h.client, h.reply.Refresh()); got.Status == 200 {
			t.Errorf("%s: a refresh token came back to life", name)
		}
	}
	tokens(t, s, s.Browser(t, d.person), vouchsafetest.NewRequest(web))
}

// e7Tenant: a tenant that is disabled answers no request, apart from the second for which it may be
// cached.
func e7Tenant(t *testing.T, s *vouchsafetest.Server) {
	w := newSocial(t, s, "ends-"+s.Name, nil)
	b := w.signedIn(t)
	r := vouchsafetest.NewRequest(web)
	reply, code := tokens(t, w.Server, b, vouchsafetest.NewRequest(web)), b.Code(t, r)
	wantAlive(t, w.Server, reply)
	w.apply(t, map[string]any{"disabled": true})
	api := w.API(t)
	deadline(t, "a disabled tenant answers", func() bool { return api.Userinfo(t, reply.Access()).Status == 404 })
	for what, got := range map[string]*vouchsafetest.Reply{
		"a refresh token": api.As(t, web, "/token",
			vouchsafetest.Values("grant_type", "refresh_token", "refresh_token", reply.Refresh())),
		"a code": api.As(t, web, "/token",
			vouchsafetest.Values("grant_type", "authorization_code", "code", code, "code_verifier", r.Verifier,
				"redirect_uri", web.RedirectURI())),
		"introspection": api.As(t, web, "/introspect", url.Values{"token": {reply.Access()}}),
		"a service":     api.As(t, vouchsafetest.Service, "/token", vouchsafetest.Values("grant_type", "client_credentials")),
	} {
		if got.Status != 404 {
			t.Errorf("%s: got %d %s, want 404", what, got.Status, got.Raw)
		}
	}
	for _, path := range []string{"/login", "/account", vouchsafetest.NewRequest(web).Path(), "/upstream/google"} {
		if page := b.Get(t, path); page.Status != 404 || page.Left != nil {
			t.Errorf("%s: got %d, %v, want 404", path, page.Status, page.Left)
		}
	}
}
