package threats

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func tokenUseRows() []row {
	return []row{
		{"D12 introspection", d12},
		{"D13 revocation", d13},
		{"D13 revocation while the database is away", d13Away},
		{"D14 user info", d14},
		{"F4 one kind of token as another", f4},
	}
}

func d12(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	for _, c := range []vouchsafetest.Client{web, vouchsafetest.Opaque} {
		own := tokens(t, s, b, vouchsafetest.NewRequest(c, "scope", "openid email"))
		form := url.Values{"token": {own.Access()}}
		api.Form(t, "/introspect", form).Want(t, 401, "invalid_client")
		api.Form(t, "/introspect", form, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+own.Access())
		}).WantNot(t)
		// the id of a public client is no secret
		api.Form(t, "/introspect", url.Values{"token": {own.Access()}, "client_id": {"public"}}).WantNot(t)
		if !api.Active(t, c, own.Access()) || !api.Active(t, c, own.Refresh()) {
			t.Errorf("%s: its own tokens are not active", c.ID())
		}
		if api.Active(t, vouchsafetest.Other, own.Access()) || api.Active(t, vouchsafetest.Other, own.Refresh()) {
			t.Errorf("%s: another client learns of its tokens", c.ID())
		}
		if !api.Active(t, vouchsafetest.Inspector, own.Access()) {
			t.Errorf("%s: the client that may introspect does not learn of its tokens", c.ID())
		}
		for _, garbage := range []string{"x", "a.b.c", own.Access() + "x", own.Access()[1:], own.ID(),
			strings.Repeat("a", 20000), "vat_x", "ünïcödé"} {
			if api.Active(t, c, garbage) {
				t.Errorf("%.30q… is called active", garbage)
			}
		}
		r := api.As(t, c, "/introspect", form)
		for name, want := range map[string]any{"active": true, "client_id": c.ID(), "iss": s.Issuer,
			"scope": "openid email"} {
			if r.Body[name] != want {
				t.Errorf("%s: got %s %v, want %v", c.ID(), name, r.Body[name], want)
			}
		}
		for _, name := range []string{"sub", "exp", "iat", "aud", "token_type"} {
			if r.Body[name] == nil {
				t.Errorf("%s: got no %s in %s", c.ID(), name, r.Raw)
			}
		}
		// A hint is only a hint (RFC 7662 section 2.1).
		r = api.As(t, c, "/introspect", url.Values{"token": {own.Access()}, "token_type_hint": {"refresh_token"}})
		if r.Body["active"] != true {
			t.Errorf("%s: a wrong hint hides the token: %s", c.ID(), r.Raw)
		}
	}
	api.As(t, web, "/introspect", url.Values{}).Want(t, 400, "invalid_request")
}

func d13(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	for _, c := range []vouchsafetest.Client{web, vouchsafetest.Opaque, vouchsafetest.Public} {
		revoke := func(by vouchsafetest.Client, token, hint string) {
			t.Helper()
			form := url.Values{"token": {token}}
			if hint != "" {
				form.Set("token_type_hint", hint)
			}
			if r := api.As(t, by, "/revoke", form); r.Status != http.StatusOK && (r.Status != 400 || r.Error() == "") {
				t.Errorf("revocation by %s: got %d %s, want 200", by.ID(), r.Status, r.Raw)
			}
		}
		own := tokens(t, s, b, vouchsafetest.NewRequest(c))
		// Another client's attempt has no effect.
		revoke(vouchsafetest.Other, own.Access(), "")
		revoke(vouchsafetest.Other, own.Refresh(), "refresh_token")
		wantAlive(t, s, own)
		for _, garbage := range []string{"x", "a.b.c", own.Refresh() + "x", own.ID(), strings.Repeat("x", 10000)} {
			revoke(c, garbage, "")
		}
		wantAlive(t, s, own)
		// Only the access token is revoked.
		revoke(c, own.Access(), "bogus_hint")
		if info := api.Userinfo(t, own.Access()); info.Status != 401 {
			t.Errorf("%s: user info with a revoked access token: got %d, want 401", c.ID(), info.Status)
		}
		// The refresh token ends everything that it gave.
		next := api.Renew(t, c, own.Refresh()).Want(t, 200, "")
		wantAlive(t, s, next)
		revoke(c, next.Refresh(), "access_token")
		wantDead(t, s, c, next)
	}
	// A client credentials token has no grant. It is revoked by its jti.
	service := vouchsafetest.Service
	token := api.Token(t, service, "grant_type", "client_credentials").Want(t, 200, "").Access()
	if !api.Active(t, service, token) {
		t.Error("a client's own token is not active")
	}
	if r := api.As(t, service, "/revoke", url.Values{"token": {token}}); r.Status != 200 {
		t.Errorf("got %d %s, want 200", r.Status, r.Raw)
	}
	if api.Active(t, service, token) {
		t.Error("a revoked token is active")
	}
	api.As(t, web, "/revoke", url.Values{}).Want(t, 400, "invalid_request")
}

// d13Away: a revocation that was not written must not be reported as done (fosite CVE-2020-15223).
func d13Away(t *testing.T, s *vouchsafetest.Server) {
	if s.Database == "" {
		return // SQLite is not away
	}
	own := vouchsafetest.Start(t, vouchsafetest.Options{Production: true})
	reply := tokens(t, own, jo(t, own), vouchsafetest.NewRequest(web))
	api := own.API(t)
	published := map[string]string{}
	for _, path := range []string{"/jwks", "/.well-known/openid-configuration",
		"/.well-known/oauth-authorization-server"} {
		published[path] = api.Do(t, api.Request(t, http.MethodGet, path, "", "")).Want(t, 200, "").Raw
	}
	back := own.CutDatabase(t)
	for _, form := range []url.Values{{"token": {reply.Refresh()}}, {"token": {reply.Access()}}} {
		r := api.As(t, web, "/revoke", form)
		if r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
			t.Errorf("got %d %s, want 503 and Retry-After", r.Status, r.Raw)
		}
	}
	if r := api.Userinfo(t, reply.Access()); r.Status != http.StatusServiceUnavailable {
		t.Errorf("user info: got %d %s, want 503", r.Status, r.Raw)
	}
	if r := api.Renew(t, web, reply.Refresh()); r.Status != http.StatusServiceUnavailable {
		t.Errorf("refresh: got %d %s, want 503", r.Status, r.Raw)
	}
	// What APIs need to verify earlier tokens is still served.
	for path, before := range published {
		if got := api.Do(t, api.Request(t, http.MethodGet, path, "", "")); got.Status != http.StatusOK || got.Raw != before {
			t.Errorf("%s: got %d %s, want what was published before", path, got.Status, got.Raw)
		}
	}
	back()
	deadline := time.Now().Add(time.Minute)
	for api.Userinfo(t, reply.Access()).Status != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatal("the server does not find its database again")
		}
		time.Sleep(100 * time.Millisecond)
	}
	api.Renew(t, web, reply.Refresh()).Want(t, 200, "") // nothing was decided meanwhile
}

func d14(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	own := tokens(t, s, b, vouchsafetest.NewRequest(web))
	service := api.Token(t, vouchsafetest.Service, "grant_type", "client_credentials").Want(t, 200, "").Access()
	noOpenid := tokens(t, s, b, vouchsafetest.NewRequest(web, "scope", "email"))
	want := func(name string, r *vouchsafetest.Reply, status int, code string) {
		t.Helper()
		got := r.Header.Get("WWW-Authenticate")
		if r.Status != status || !strings.HasPrefix(got, "Bearer") || code != "" &&
			!strings.Contains(got, `error="`+code+`"`) || r.String("sub") != "" {
			t.Errorf("%s: got %d %s and WWW-Authenticate %q, want %d %s", name, r.Status, r.Raw, got, status, code)
		}
		if code == "" && strings.Contains(got, "error=") {
			t.Errorf("%s: got WWW-Authenticate %q, want no error for a request without a token (RFC 6750 section 3.1)", name,
				got)
		}
	}
	want("an ID token", api.Userinfo(t, own.ID()), 401, "invalid_token")
	want("a refresh token", api.Userinfo(t, own.Refresh()), 401, "invalid_token")
	want("garbage", api.Userinfo(t, "x"), 401, "invalid_token")
	want("a huge token", api.Userinfo(t, strings.Repeat("a.", 20000)), 401, "invalid_token")
	want("no token", api.Do(t, api.Request(t, http.MethodGet, "/userinfo", "", "")), 401, "")
	want("a token in the URL", api.Do(t, api.Request(t, http.MethodGet, "/userinfo?access_token="+own.Access(), "", "")),
		401, "")
	want("no openid scope", api.Userinfo(t, noOpenid.Access()), 403, "insufficient_scope")
	if r := api.Userinfo(t, service); r.Status != 401 && r.Status != 403 || r.String("sub") != "" {
		t.Errorf("a client's own token: got %d %s, want 401 or 403", r.Status, r.Raw)
	}
	// Twice, in two places (RFC 6750 section 2).
	form := url.Values{"access_token": {own.Access()}}
	r := api.Form(t, "/userinfo", form, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+own.Access()) })
	if r.Status != 400 {
		t.Errorf("a token in the header and the body: got %d %s, want 400", r.Status, r.Raw)
	}
	// Expired.
	began := time.Now()
	brief := tokens(t, s, b, vouchsafetest.NewRequest(vouchsafetest.Brief))
	if info := api.Userinfo(t, brief.Access()); info.Status != 200 && time.Since(began) < time.Second {
		t.Errorf("user info with a token of two seconds: got %d %s, want 200", info.Status, info.Raw)
	}
	time.Sleep(2200 * time.Millisecond)
	want("an expired token", api.Userinfo(t, brief.Access()), 401, "invalid_token")
	if api.Active(t, vouchsafetest.Brief, brief.Access()) {
		t.Error("introspection calls an expired token active")
	}
}

func f4(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	r := vouchsafetest.NewRequest(web)
	letter := b.Get(t, r.Path()).URL.Query().Get("i")
	code := b.Code(t, r)
	own := tokens(t, s, b, vouchsafetest.NewRequest(web))
	opaque := tokens(t, s, b, vouchsafetest.NewRequest(vouchsafetest.Opaque)).Access()
	kinds := map[string]string{"code": code, "access token": own.Access(), "refresh token": own.Refresh(),
		"ID token": own.ID(), "sealed request": letter, "opaque token": opaque}
	for name, v := range kinds {
		if name != "code" {
			if reply := api.Redeem(t, r, v); reply.Status != 400 {
				t.Errorf("%s as a code: got %d %s", name, reply.Status, reply.Raw)
			}
		}
		if name != "refresh token" {
			if reply := api.Renew(t, web, v); reply.Status != 400 {
				t.Errorf("%s as a refresh token: got %d %s", name, reply.Status, reply.Raw)
			}
		}
		if name != "access token" && name != "opaque token" {
			if info := api.Userinfo(t, v); info.Status != 401 {
				t.Errorf("%s as an access token: got %d %s", name, info.Status, info.Raw)
			}
		}
		if name != "ID token" {
			if a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none", "id_token_hint", v)); a.Code() != "" {
				t.Errorf("%s as an id_token_hint: got a code", name)
			}
		}
		if name != "sealed request" {
			if page := b.Get(t, "/authorize?i="+url.QueryEscape(v)); page.Left != nil || page.Status != 400 {
				t.Errorf("%s as a sealed request: got %d, %v", name, page.Status, page.Left)
			}
		}
	}
}
