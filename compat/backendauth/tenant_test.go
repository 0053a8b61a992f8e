package backendauth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestTenants registers a tenant, signs its app in and out, and verifies its tokens.
func TestTenants(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	verify := func(token string) *answer { return w.send("POST", "/tenant/verify", "", object{"token": token}) }
	var got struct{ Decoded decoded }
	verify(a.Token).into(&got)
	d := got.Decoded
	if d.ID != a.ID || d.Login != "tenant:"+a.Email || d.JTI == "" || d.Iat < 1e12 || d.Aud == "" || !d.IsTenant ||
		d.Exp != 0 {
		t.Errorf("got %+v", d)
	}
	// The address is compared as mailboxes are.
	var second struct{ Token string }
	w.send("POST", "/tenant/login", "", object{"email": strings.ToLower(a.Email), "password": goodPassword}).into(&second)
	w.send("POST", "/tenant", "", object{"email": strings.ToUpper(a.Email), "password": goodPassword}).
		want(400, `{"error":"This tenant already exists"}`)
	w.send("POST", "/tenant/logout", "", object{"token": a.Token}).want(200, `{"result":1}`)
	verify(a.Token).want(400, `{"error":"invalid token"}`)
	w.send("POST", "/tenant/logout", "", object{"token": a.Token}).want(400, `{"error":"invalid token"}`)
	a.send("GET", "/user", nil).want(401, `{"error":"Not Authorized"}`)
	verify(second.Token).into(&got) // the other session lives

	// A wrong password and an unknown address are told apart by nothing. backend-auth answers 500.
	for _, email := range []string{a.Email, newName() + "@example.com"} {
		w.send("POST", "/tenant/login", "", object{"email": email, "password": "Wrong7Password"}).
			want(403, `{"error":"Incorrect email or password"}`)
	}
}

// TestOneOfManySignOuts ends a session by many requests at once.
func TestOneOfManySignOuts(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	a.add(newUser("jo"))
	token := a.signIn("jo", "phone")
	for path, body := range map[string]object{"/auth/logout": {"token": token}, "/tenant/logout": {"token": a.Token}} {
		var wg sync.WaitGroup
		results := make([]*answer, 8)
		for i := range results {
			wg.Go(func() { results[i] = a.send("POST", path, body) })
		}
		wg.Wait()
		ended := 0
		for _, r := range results {
			switch {
			case r.status == http.StatusOK && r.body == `{"result":1}`:
				ended++
			case r.status != 400 && r.status != 401 && r.status != 404 || !strings.Contains(r.body, `"error":"`):
				t.Errorf("got %d %s", r.status, r.body)
			}
		}
		if ended != 1 {
			t.Errorf("%s: got %d requests that ended the session, want 1", path, ended)
		}
		if path == "/tenant/logout" {
			break
		}
	}
}

// TestTenantInput sends what POST /tenant and the routes beside it refuse.
func TestTenantInput(t *testing.T) {
	t.Parallel()
	w := start(t)
	const pattern = `"password" fails to match the required pattern: /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[a-zA-Z\d]{6,}$/`
	good := object{"email": "app@example.com", "password": goodPassword}
	for _, path := range []string{"/tenant", "/tenant/login"} {
		send := func(body any) *answer { return w.send("POST", path, "", body) }
		send(nil).invalid("email", `"email" is required`, "password", `"password" is required`)
		send(good.with("email", nil)).invalid("email", `"email" is required`)
		send(good.with("email", "app.example.com")).invalid("email", `"email" must be a valid email`)
		send(good.with("email", 1)).invalid("email", `"email" must be a string`)
		send(good.with("email", "")).invalid("email", `"email" is not allowed to be empty`)
		send(good.with("password", "aB3")).invalid("password", `"password" length must be at least 6 characters long`)
		for _, bad := range []string{"abcdef1", "ABCDEF1", "abcDEF", "abcD-F1", "abcDéF1", "abc DEF1"} {
			a := send(good.with("password", bad)).invalid("password", pattern)
			if strings.Contains(a.body, bad) {
				t.Errorf("the answer quotes the password: %s", a.body)
			}
		}
		send([]int{1}).invalid("value", `"value" must be an object`)
	}
	for _, path := range []string{"/tenant/logout", "/tenant/verify"} {
		w.send("POST", path, "", nil).invalid("token", `"token" is required`)
		w.send("POST", path, "", object{"token": ""}).invalid("token", `"token" is not allowed to be empty`)
		w.send("POST", path, "", object{"token": object{}}).invalid("token", `"token" must be a string`)
		for _, token := range []string{"x", "a.b.c", "..", "null", strings.Repeat("A", 40<<10)} {
			w.send("POST", path, "", object{"token": token}).want(400, `{"error":"invalid token"}`)
		}
	}
}

// TestGuessesAtATenant guesses the password of an app: the attempts are limited, for the sender alone.
func TestGuessesAtATenant(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	limited := 0
	for range 8 {
		got := w.send("POST", "/tenant/login", "", object{"email": a.Email, "password": "Wrong7Password"})
		if got.status == http.StatusTooManyRequests {
			limited++
			if got.header.Get("Retry-After") == "" || got.body != `{"error":"Too many attempts"}` {
				t.Errorf("got %v %s", got.header, got.body)
			}
		}
	}
	if limited != 3 {
		t.Errorf("got %d attempts refused, want 3", limited)
	}
	// The right password waits, too, and tokens work on.
	if got := w.send("POST", "/tenant/login", "", object{"email": a.Email, "password": goodPassword}); got.status != 429 {
		t.Errorf("got %d, want 429", got.status)
	}
	a.send("GET", "/user", nil).want(200, `{"nextCursor":"0","users":[]}`)
}
