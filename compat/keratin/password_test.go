package keratin_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// request returns a request without a body.
func request(t *testing.T, method, target string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestPasswordReset(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b, claims := w.signedUp(name)
	other := w.browser()
	other.do("GET", "/password/reset", "username", newName()).want(200, "")
	other.do("GET", "/password/reset").want(200, "")
	other.do("GET", "/password/reset", "username", name).want(200, "")
	got := w.hooks.next(t) // the first two are decoys
	mac := hmac.New(sha256.New, []byte("signing key"))
	mac.Write([]byte("account_id=" + claims.number() + "&token=" + got.form.Get("token")))
	if got.path != "/reset" || got.user != "hooks" || got.password != "secret" || got.form.Get("token") == "" ||
		got.form.Get("account_id") != claims.number() || got.signature != hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("got webhook %+v", got)
	}
	token := got.form.Get("token")
	next := "another fine secret"
	other.do("POST", "/password", "token", token, "password", "short").refused("password", "INSECURE")
	other.do("POST", "/password", "token", token).refused("password", "MISSING")
	other.do("POST", "/password", "token", token+"x", "password", next).refused("token", "INVALID_OR_EXPIRED")
	other.do("POST", "/session/token", "token", token).refused("token", "INVALID_OR_EXPIRED") // of another kind
	// Of two simultaneous uses, one succeeds.
	var wg sync.WaitGroup
	statuses := make(chan int, 2)
	for range 2 {
		wg.Go(func() {
			statuses <- w.browser().do("POST", "/password", "token", token, "password", next).status
		})
	}
	wg.Wait()
	if sum := <-statuses + <-statuses; sum != 201+422 {
		t.Errorf("got statuses that add up to %d, want 201 and 422", sum)
	}
	if got := w.hooks.next(t); got.path != "/changed" || got.body != "account_id="+claims.number() {
		t.Errorf("got webhook %+v", got)
	}
	b.do("GET", "/session/refresh").want(401, "")
	b.do("POST", "/session", "username", name, "password", goodPassword).refused("credentials", "FAILED")
	b.do("POST", "/session", "username", name, "password", next).want(201, "TOKEN")
	if !w.signsInAtOurs(name, next) {
		t.Error("the new password is not the one of Vouchsafe's own sign-in")
	}
	other.do("POST", "/password", "token", token, "password", "a third fine secret").refused("token", "INVALID_OR_EXPIRED")
}

// TestResetAfterExpiry goes the way that an expired password leaves, and those of locked and removed accounts.
func TestResetAfterExpiry(t *testing.T) {
	t.Parallel()
	w := start(t, "APP_PASSWORD_CHANGED_URL=")
	name := newName()
	b, claims := w.signedUp(name)
	token := func() string {
		b.do("GET", "/password/reset", "username", name).want(200, "")
		return w.hooks.next(t).form.Get("token")
	}
	w.app("PATCH", "/accounts/"+claims.number()+"/expire_password").want(200, "")
	// The old one would not be a new password.
	b.do("POST", "/password", "token", token(), "password", goodPassword).refused("password", "INSECURE")
	last := token()
	b.do("POST", "/password", "token", last, "password", "another fine secret").want(201, "TOKEN")
	b.do("GET", "/session/refresh").want(201, "TOKEN")
	last = token()
	w.app("PATCH", "/accounts/"+claims.number()+"/lock").want(200, "")
	b.do("POST", "/password", "token", last, "password", "a third fine secret").refused("account", "LOCKED")
	w.app("DELETE", "/accounts/"+claims.number()).want(200, "")
	b.do("POST", "/password", "token", last, "password", "a third fine secret").refused("account", "NOT_FOUND")
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	w := start(t, "PASSWORD_RESET_TOKEN_TTL=2", "PASSWORDLESS_TOKEN_TTL=2")
	name := newName()
	b, _ := w.signedUp(name)
	b.do("GET", "/password/reset", "username", name).want(200, "")
	b.do("GET", "/session/token", "username", name).want(200, "")
	tokens := map[string]string{}
	for range 2 {
		got := w.hooks.next(t)
		tokens[got.path] = got.form.Get("token")
	}
	time.Sleep(2100 * time.Millisecond)
	b.do("POST", "/password", "token", tokens["/reset"], "password", "another fine secret").
		refused("token", "INVALID_OR_EXPIRED")
	b.do("POST", "/session/token", "token", tokens["/passwordless"]).refused("token", "INVALID_OR_EXPIRED")
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b, claims := w.signedUp(name)
	other := w.browser()
	other.do("POST", "/session", "username", name, "password", goodPassword).want(201, "TOKEN")
	next := "another fine secret"
	w.browser().do("POST", "/password", "password", next, "currentPassword", goodPassword).want(401, "")
	b.do("POST", "/password", "password", next, "currentPassword", "wrong").refused("credentials", "FAILED")
	b.do("POST", "/password", "password", next).refused("credentials", "FAILED")
	b.do("POST", "/password", "currentPassword", goodPassword).refused("password", "MISSING")
	b.do("POST", "/password", "password", "short", "currentPassword", goodPassword).refused("password", "INSECURE")
	b.do("POST", "/password", "password", next, "currentPassword", goodPassword).want(201, "TOKEN")
	if got := w.hooks.next(t); got.path != "/changed" || got.form.Get("account_id") != claims.number() {
		t.Errorf("got webhook %+v", got)
	}
	b.do("GET", "/session/refresh").want(201, "TOKEN")
	other.do("GET", "/session/refresh").want(401, "")
	b.do("POST", "/password/score", "password", "password").want(200, `{"result":{"requiredScore":2,"score":0}}`)
	b.do("POST", "/password/score", "password", next).want(200, `{"result":{"requiredScore":2,"score":4}}`)
	b.do("POST", "/password/score").refused("password", "MISSING")
}

// TestPasswordsOfAdministratorsAreTold has an administrator give a user a password: the app hears of it.
func TestPasswordsOfAdministratorsAreTold(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b, claims := w.signedUp(name)
	asked := postForm(t, w.issuer+"/token", url.Values{"grant_type": {"client_credentials"}})
	asked.SetBasicAuth("ops", opsSecret)
	var token struct {
		Access string `json:"access_token"`
	}
	if got := w.send(http.DefaultClient, asked); json.Unmarshal([]byte(got.body), &token) != nil || token.Access == "" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	manage := func(method, path, body string) *answer {
		req, err := http.NewRequest(method, w.issuer+"/api/v1"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Access)
		req.Header.Set("Content-Type", "application/json")
		return w.send(http.DefaultClient, req)
	}
	var found struct{ Items []struct{ ID string } }
	got := manage("GET", "/users?q="+name, "")
	if json.Unmarshal([]byte(got.body), &found) != nil || len(found.Items) != 1 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	got = manage("PUT", "/users/"+found.Items[0].ID+"/password", `{"password": "another fine secret"}`)
	if got.status != 204 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if got := w.hooks.next(t); got.path != "/changed" || got.form.Get("account_id") != claims.number() {
		t.Errorf("got webhook %+v", got)
	}
	b.do("GET", "/session/refresh").want(401, "")
	b.do("POST", "/session", "username", name, "password", "another fine secret").want(201, "TOKEN")
}

func TestPasswordless(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b, claims := w.signedUp(name)
	other := w.browser()
	ask := func() string {
		other.do("GET", "/session/token", "username", name).want(200, "")
		got := w.hooks.next(t)
		if got.path != "/passwordless" || got.form.Get("account_id") != claims.number() {
			t.Errorf("got webhook %+v", got)
		}
		return got.form.Get("token")
	}
	other.do("GET", "/session/token", "username", newName()).want(200, "")
	token := ask()
	other.do("POST", "/session/token", "token", "x").refused("token", "INVALID_OR_EXPIRED")
	other.do("POST", "/password", "token", token, "password", "another fine secret").refused("token", "INVALID_OR_EXPIRED")
	in := other.do("POST", "/session/token", "token", token).want(201, "TOKEN").token(w)
	if in.Sub != claims.Sub || len(in.AMR) != 1 || in.AMR[0] != "otp" {
		t.Errorf("got claims %+v", in)
	}
	other.do("POST", "/session/token", "token", token).refused("token", "INVALID_OR_EXPIRED")
	// A sign-in voids the tokens before it.
	token = ask()
	b.do("POST", "/session", "username", name, "password", goodPassword).want(201, "TOKEN")
	other.do("POST", "/session/token", "token", token).refused("token", "INVALID_OR_EXPIRED")
	// The token of a locked and of an archived account says so.
	token = ask()
	w.app("PATCH", "/accounts/"+claims.number()+"/lock").want(200, "")
	other.do("POST", "/session/token", "token", token).refused("account", "LOCKED")
	w.app("DELETE", "/accounts/"+claims.number()).want(200, "")
	other.do("POST", "/session/token", "token", token).refused("account", "NOT_FOUND")
}

// TestHooksAreTriedAgain has the app's server fail twice, as it does while it starts.
func TestHooksAreTriedAgain(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b, claims := w.signedUp(name)
	w.hooks.mu.Lock()
	w.hooks.bad = 2
	w.hooks.mu.Unlock()
	asked := time.Now()
	b.do("GET", "/password/reset", "username", name).want(200, "")
	if got := w.hooks.next(t); got.form.Get("account_id") != claims.number() {
		t.Errorf("got webhook %+v", got)
	}
	if took := time.Since(asked); took < 4*time.Second {
		t.Errorf("the third attempt came after %s, want 1 s and 3 s later", took)
	}
}
