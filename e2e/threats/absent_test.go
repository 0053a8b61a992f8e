package threats

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// absentRows are attacks on features that Vouchsafe does not have. The developer who adds one finds
// its row.
func absentRows() []row {
	return []row{
		{"D11 token exchange by others, and JWT bearer", d11},
		{"D15 device flow", d15},
		{"J5 front-channel logout", j5},
		{"N6 secrets that are read back", n6},
		{"N7 registration by anybody", n7},
	}
}

// noDoor fails the test if the paths are served or the member is advertised.
func noDoor(t *testing.T, s *vouchsafetest.Server, member string, paths ...string) {
	t.Helper()
	api := s.API(t)
	for _, path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			if reply := api.Do(t, api.Request(t, method, path, "application/json", "{}")); reply.Status != 404 {
				t.Errorf("%s %s: got %d, want 404", method, path, reply.Status)
			}
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		if got := api.Do(t, api.Request(t, http.MethodGet, path, "", "")); member != "" && strings.Contains(got.Raw, member) {
			t.Errorf("%s speaks of %s", path, member)
		}
	}
}

func noGrant(t *testing.T, s *vouchsafetest.Server, grant string, pairs ...string) {
	t.Helper()
	reply := s.API(t).Token(t, web, append([]string{"grant_type", grant}, pairs...)...)
	vouchsafetest.CheckToken(t, reply)
	reply.Want(t, 400, "unsupported_grant_type")
	notDeclared(t, s, grant)
}

// notDeclared fails the test if a client may be declared with the grant type.
func notDeclared(t *testing.T, s *vouchsafetest.Server, grant string) {
	t.Helper()
	if faults := s.Faults(t, vouchsafetest.Web.With(vouchsafetest.Client{"client_id": "x",
		"grant_types": []string{grant}})); len(faults["x"]) == 0 {
		t.Errorf("a client was declared with %s", grant)
	}
}

func d11(t *testing.T, s *vouchsafetest.Server) {
	own := tokens(t, s, jo(t, s), vouchsafetest.NewRequest(web))
	// A client needs the grant type (RFC 8693), and has to authenticate.
	exchange := "urn:ietf:params:oauth:grant-type:token-exchange"
	for _, kind := range []string{"access_token", "refresh_token", "id_token", "jwt"} {
		reply := s.API(t).Form(t, "/token", vouchsafetest.Values("grant_type", exchange, "subject_token", own.Access(),
			"subject_token_type", "urn:ietf:params:oauth:token-type:"+kind))
		vouchsafetest.CheckToken(t, reply)
		reply.Want(t, 401, "invalid_client")
		s.API(t).Token(t, web, "grant_type", exchange, "subject_token", own.Access(), "subject_token_type",
			"urn:ietf:params:oauth:token-type:"+kind).Want(t, 400, "unauthorized_client")
	}
	bearer := "urn:ietf:params:oauth:grant-type:jwt-bearer"
	s.API(t).Token(t, web, "grant_type", bearer, "assertion", own.ID()).Want(t, 400, "unauthorized_client")
	s.API(t).Form(t, "/token", vouchsafetest.Values("grant_type", bearer, "assertion", own.ID())).Want(t, 401,
		"invalid_client")
	noGrant(t, s, "urn:ietf:params:oauth:grant-type:saml2-bearer", "assertion", "x")
}

func d15(t *testing.T, s *vouchsafetest.Server) {
	// What attacks devices is in e2e/conformance; a client that is not for devices has none of it.
	s.API(t).As(t, web, "/device_authorization", nil).Want(t, 400, "unauthorized_client")
	noGrant(t, s, "urn:openid:params:grant-type:ciba", "auth_req_id", "x")
	noDoor(t, s, "backchannel_authentication", "/device/code", "/activate", "/bc-authorize")
}

// j5: no page of a client is loaded at a sign-out, and no client can register one.
func j5(t *testing.T, s *vouchsafetest.Server) {
	noDoor(t, s, "frontchannel_logout")
	faults := s.Faults(t, vouchsafetest.Web.With(vouchsafetest.Client{"client_id": "front",
		"frontchannel_logout_uri": "https://rp.example/logout"}))
	if len(faults["front"]) == 0 {
		t.Error("a client was declared with a front-channel logout URI")
	}
}

func n6(t *testing.T, s *vouchsafetest.Server) {
	c := s.AddClient(t)
	p := s.Person(t)
	said := s.Command(t, "", "client", "list", "--json") + s.Command(t, "", "client", "show", c.ID()) +
		s.Command(t, "", "user", "show", p.Email) + s.Command(t, "", "user", "list", "--json") + s.Command(t, "", "config")
	for what, secret := range map[string]string{
		"a client's secret": c.Secret(), "a password": p.Password, "the master secret": s.Setting("VOUCHSAFE_SECRET"),
		"a hash": "$argon2id$", "a secret's hash": "sha256$",
	} {
		if secret != "" && strings.Contains(said, secret) {
			t.Errorf("what operators read holds %s", what)
		}
	}
}

func n7(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		got := api.Do(t, api.Request(t, method, "/register?client_id=x", "application/json", "{}"))
		if got.Status != http.StatusForbidden { // unless a tenant offers it
			t.Errorf("%s /register: got %d %s, want 403", method, got.Status, got.Raw)
		}
	}
	noDoor(t, s, "registration_endpoint", "/connect/register", "/clients", "/oauth2/register", "/reg")
	noDoor(t, s, "", "/scim/v2/Users", "/saml/sso", "/saml/metadata", "/graphql",
		"/.well-known/webfinger", "/ldap")
}

// mailRows are attacks on the rule that an address has one account.
func mailRows() []row {
	return []row{{"P11 one address at once", p11}}
}

// p11 registers one address in many browsers, and proves it in all of them at once.
func p11(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	for range vouchsafetest.Rounds(1) {
		email := newAddress("example.com")
		type entry struct {
			b    *vouchsafetest.Browser
			page *vouchsafetest.Page
			code string
		}
		var entries []entry
		for range 4 { // an address gets five mails an hour
			b := w.Browser(t, vouchsafetest.Person{Email: email, Password: "a new password 6Wp"})
			f := b.Get(t, "/signup").Forms(t)[0]
			f.Fields = merge(f.Fields, url.Values{"email": {email}, "password": {b.Person.Password}})
			page := b.Submit(t, f, firstOf(f))
			entries = append(entries, entry{b, page, mails.Next(t, email).Code})
		}
		var in atomic.Int64
		var subs sync.Map
		var wg sync.WaitGroup
		for _, e := range entries {
			wg.Go(func() {
				types(t, e.b, e.page, e.code)
				if sub, _ := signedInAs(t, w.Server, e.b); sub != "" {
					in.Add(1)
					subs.Store(sub, true)
				}
			})
		}
		wg.Wait()
		n := 0
		subs.Range(func(any, any) bool { n++; return true })
		if n != 1 || in.Load() < 1 {
			t.Errorf("%d browsers came in as %d accounts, want one account", in.Load(), n)
		}
	}
}

func merge(fields, more url.Values) url.Values {
	for name, values := range more {
		fields[name] = values
	}
	return fields
}
