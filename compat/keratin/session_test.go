package keratin_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSignUp(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b := w.browser()
	for _, c := range []struct {
		username, password string
		wrong              []string
	}{
		{"", "", []string{"username", "MISSING", "password", "MISSING"}},
		{"a b", goodPassword, []string{"username", "FORMAT_INVALID"}},
		{"x@", "12345678", []string{"username", "FORMAT_INVALID", "password", "INSECURE"}},
		{name, "short", []string{"password", "INSECURE"}},
		{"reasonablename", "reasonablename", []string{"password", "INSECURE"}},
	} {
		b.do("POST", "/accounts", "username", c.username, "password", c.password).refused(c.wrong...)
	}
	b.do("GET", "/accounts/available", "username", name).want(200, `{"result":true}`)
	before := time.Now().Add(-time.Second).Unix()
	a := b.do("POST", "/accounts", "username", "  "+strings.ToUpper(name)+" ", "password", goodPassword).want(201, "TOKEN")
	got := a.token(w)
	if got.Iss != w.at || got.Sub != "1" || !slices.Equal(got.Aud, []string{"app.example.com"}) || got.typ != "JWT" ||
		got.kid == "" || got.Sid == "" || !slices.Equal(got.AMR, []string{"pwd"}) || got.Exp-got.Iat != 3600 ||
		got.Iat < before || got.AuthTime < before {
		t.Errorf("got claims %+v", got)
	}
	cookie := a.header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "authn=") || !strings.HasSuffix(cookie, "; Path=/authn; HttpOnly; SameSite=Lax") {
		t.Errorf("got cookie %s", cookie)
	}
	if a.header.Get("Access-Control-Allow-Origin") != appOrigin ||
		a.header.Get("Access-Control-Allow-Credentials") != "true" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got headers %v", a.header)
	}
	b.do("GET", "/accounts/available", "username", name).refused("username", "TAKEN")
	b.do("POST", "/accounts", "username", name, "password", "x").refused("username", "TAKEN", "password", "INSECURE")
	if _, second := w.signedUp("jo@example.com"); second.Sub != "2" {
		t.Errorf("got sub %s for the second account, want 2", second.Sub)
	}
	if !w.signsInAtOurs(name, goodPassword) || !w.signsInAtOurs("Jo@Example.com", goodPassword) {
		t.Error("an account that was made here does not sign in at the JSON API of Vouchsafe")
	}
}

func TestSignUpIsNotOffered(t *testing.T) {
	t.Parallel()
	w := start(t, "ENABLE_SIGNUP=false", "APP_PASSWORD_RESET_URL=", "APP_PASSWORDLESS_TOKEN_URL=")
	b := w.browser()
	for path, method := range map[string]string{
		"/accounts": "POST", "/accounts/available": "GET", "/password/reset": "GET", "/session/token": "GET",
	} {
		if got := b.do(method, path, "username", "jo", "password", goodPassword); got.status != 404 {
			t.Errorf("%s: got %d, want 404", got.what, got.status)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b, first := w.signedUp(name)
	other := w.browser()
	other.do("POST", "/session", "username", name, "password", "wrong").refused("credentials", "FAILED")
	other.do("POST", "/session", "username", newName(), "password", "wrong").refused("credentials", "FAILED")
	other.do("POST", "/session").refused("credentials", "FAILED")
	again := other.do("POST", "/session", "username", strings.ToUpper(name), "password", goodPassword).want(201, "TOKEN").
		token(w)
	if again.Sub != first.Sub || again.Sid == first.Sid {
		t.Errorf("got %+v after %+v", again, first)
	}
	b.do("GET", "/session/refresh").want(201, "TOKEN")
	// Signing in ends the session that the browser had, and no other one.
	b.do("POST", "/session", "username", name, "password", goodPassword).want(201, "TOKEN")
	if got := b.do("GET", "/session/refresh").want(201, "TOKEN").token(w); got.Sid == first.Sid {
		t.Error("the session did not change")
	}
	other.do("GET", "/session/refresh").want(201, "TOKEN")
	if gone := b.do("DELETE", "/session").want(200, "").header.Get("Set-Cookie"); !strings.HasPrefix(gone, "authn=;") {
		t.Errorf("got cookie %q, want none any more", gone)
	}
	b.do("GET", "/session/refresh").want(401, "")
	b.do("DELETE", "/session").want(200, "")
	other.do("GET", "/session/refresh").want(201, "TOKEN")
}

// TestTheOldCookieOpensNothing keeps the cookie that a browser had before its next sign-in, and before sign-out.
func TestTheOldCookieOpensNothing(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b := w.browser()
	cookie := func(a *answer) string {
		value, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
		return value
	}
	with := func(cookie string) *answer {
		req, err := http.NewRequest("GET", w.at+"/session/refresh", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", appOrigin)
		req.Header.Set("Cookie", cookie)
		return w.send(http.DefaultClient, req)
	}
	first := cookie(b.do("POST", "/accounts", "username", name, "password", goodPassword))
	with(first).want(201, "TOKEN")
	second := cookie(b.do("POST", "/session", "username", name, "password", goodPassword))
	with(first).want(401, "")
	with(second).want(201, "TOKEN")
	b.do("DELETE", "/session").want(200, "")
	with(second).want(401, "")
	with("authn=nonsense").want(401, "")
	with("authn=").want(401, "")
}

func TestRefreshExtendsTheSession(t *testing.T) {
	t.Parallel()
	w := start(t, "REFRESH_TOKEN_TTL=4", "REFRESH_TOKEN_EXPLICIT_EXPIRY=true", "ACCESS_TOKEN_TTL=60")
	b, first := w.signedUp(newName())
	idle, _ := w.signedUp(newName())
	if first.Exp-first.Iat != 60 {
		t.Errorf("got a token for %d s, want 60", first.Exp-first.Iat)
	}
	value := ""
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
		a := b.do("GET", "/session/refresh").want(201, "TOKEN")
		// The app asks for the password again by auth_time: a refresh proves nothing.
		if again := a.token(w); again.AuthTime != first.AuthTime || again.Sid != first.Sid {
			t.Errorf("got claims %+v after a refresh of %+v", again, first)
		}
		if first, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";"); value == "" {
			value = first
		}
		if !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=4") {
			t.Errorf("got cookie %s, want one for as long again", a.header.Get("Set-Cookie"))
		}
	}
	idle.do("GET", "/session/refresh").want(401, "")
	// Nothing was rotated: a tab with the first cookie goes on.
	req := request(t, "GET", w.at+"/session/refresh")
	req.Header.Set("Origin", appOrigin)
	req.Header.Set("Cookie", value)
	w.send(http.DefaultClient, req).want(201, "TOKEN")
}

// TestCookiesOfHTTPS: with an AUTHN_URL of https browsers send the cookie over https alone, as SAME_SITE says.
func TestCookiesOfHTTPS(t *testing.T) {
	t.Parallel()
	w := start(t, "AUTHN_URL=https://localhost/authn", "SAME_SITE=NONE", "PASSWORD_POLICY_SCORE=4")
	b := w.browser()
	b.do("POST", "/password/score", "password", "tidal9").want(200, `{"result":{"requiredScore":4,"score":1}}`)
	long := "eleven tidal lanterns in an orchard"
	a := b.do("POST", "/accounts", "username", newName(), "password", long).want(201, "TOKEN")
	cookie := a.header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "authn=") ||
		!strings.HasSuffix(cookie, "; Path=/authn; HttpOnly; Secure; SameSite=None") {
		t.Errorf("got cookie %s", cookie)
	}
	if claims := a.token(w); claims.Iss != "https://localhost/authn" {
		t.Errorf("got iss %s", claims.Iss)
	}
}

// TestTabsRefreshAtOnce has many tabs of a browser wake up together, when the session is to be extended.
func TestTabsRefreshAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t, "REFRESH_TOKEN_TTL=20")
	b, _ := w.signedUp(newName())
	time.Sleep(1100 * time.Millisecond) // a session is extended after a twentieth of its life
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if got := b.do("GET", "/session/refresh"); got.status != http.StatusCreated {
				t.Errorf("got %d for one of the tabs", got.status)
			}
		})
	}
	wg.Wait()
	b.do("GET", "/session/refresh").want(201, "TOKEN")
}

// TestBelowAPathOfTheIssuer serves both on one port: neither answers for the other.
func TestBelowAPathOfTheIssuer(t *testing.T) {
	t.Parallel()
	w := start(t, "PORT=", "PUBLIC_PORT=")
	name := newName()
	b, claims := w.signedUp(name)
	if claims.Iss != w.issuer+"/authn" {
		t.Errorf("got iss %s", claims.Iss)
	}
	b.do("GET", "/session/refresh").want(201, "TOKEN")
	if got := w.account(claims.number()); got.Username != name {
		t.Errorf("got %+v by the private routes", got)
	}
	for path, want := range map[string]int{
		"/.well-known/openid-configuration": 200, "/login": 200, "/session": 404, "/configuration": 404, "/authn": 404,
		"/authnx/configuration": 404, "/authn/configuration": 200, "/authn/login": 404,
	} {
		if got := w.send(b.client, request(t, "GET", w.issuer+path)); got.status != want {
			t.Errorf("%s: got %d, want %d", path, got.status, want)
		}
	}
	// Another host of the same server is not the one of AUTHN_URL.
	req := request(t, "GET", w.issuer+"/authn/configuration")
	req.Host = "other.example.com"
	if got := w.send(b.client, req); got.status != http.StatusMisdirectedRequest {
		t.Errorf("got %d for another host, want 421", got.status)
	}
	// What a browser holds here opens nothing there.
	u, err := url.Parse(w.at)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name != "authn" {
			continue
		}
		account := request(t, "GET", w.issuer+"/account")
		account.AddCookie(&http.Cookie{Name: "vouchsafe-session", Value: c.Value})
		if got := w.send(w.browser().client, account); got.status == http.StatusOK {
			t.Error("the cookie of the compatible routes opens the account page")
		}
	}
}
