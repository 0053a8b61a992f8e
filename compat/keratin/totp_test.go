package keratin_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// code returns what an authenticator app with the secret shows in so many steps from now.
func code(t *testing.T, secret string, steps int) string {
	t.Helper()
	digits, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return digits
}

// setsUpFactor sets an authenticator app up, and returns what it shows in so many steps from now.
func (b *browser) setsUpFactor() func(steps int) string {
	b.w.t.Helper()
	var body struct{ Result struct{ Secret string } }
	if err := json.Unmarshal([]byte(b.do("POST", "/totp/new").body), &body); err != nil {
		b.w.t.Fatal(err)
	}
	shows := func(steps int) string { return code(b.w.t, body.Result.Secret, steps) }
	b.do("POST", "/totp/confirm", "otp", shows(-1)).want(200, "")
	return shows
}

func TestTOTP(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b, claims := w.signedUp(name)
	w.browser().do("POST", "/totp/new").want(401, "")
	w.browser().do("POST", "/totp/confirm", "otp", "1").want(401, "")
	w.browser().do("DELETE", "/totp").want(401, "")
	b.do("DELETE", "/totp").want(200, "") // there is none
	b.do("POST", "/totp/confirm", "otp", "123456").refused("otp", "INVALID_OR_EXPIRED")
	got := b.do("POST", "/totp/new")
	var body struct{ Result struct{ Secret, URL string } }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	u, err := url.Parse(body.Result.URL)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Query().Get("secret") != body.Result.Secret ||
		!strings.HasSuffix(u.Path, ":"+name) {
		t.Errorf("got URL %s", body.Result.URL)
	}
	secret := body.Result.Secret
	b.do("POST", "/totp/confirm").refused("otp", "MISSING")
	b.do("POST", "/totp/confirm", "otp", "000000").refused("otp", "INVALID_OR_EXPIRED")
	b.do("POST", "/totp/confirm", "otp", code(t, secret, -1)).want(200, "")
	b.do("GET", "/session/refresh").want(201, "TOKEN") // the session goes on
	b.do("POST", "/totp/new").refused("otp", "TAKEN")

	in := func(pairs ...string) *answer {
		return w.browser().do("POST", "/session", append([]string{"username", name}, pairs...)...)
	}
	in("password", goodPassword).refused("otp", "MISSING")
	in("password", "wrong", "otp", code(t, secret, 0)).refused("credentials", "FAILED")
	in("password", goodPassword, "otp", "000000").refused("otp", "INVALID_OR_EXPIRED")
	used := code(t, secret, 0)
	with := in("password", goodPassword, "otp", used).want(201, "TOKEN").token(w)
	if strings.Join(with.AMR, " ") != "pwd otp" {
		t.Errorf("got amr %v", with.AMR)
	}
	in("password", goodPassword, "otp", used).refused("otp", "INVALID_OR_EXPIRED") // a code works once

	// A token of the app's server does not spare the second factor, and is not used up without it.
	b.do("GET", "/session/token", "username", name).want(200, "")
	token := w.hooks.next(t).form.Get("token")
	w.browser().do("POST", "/session/token", "token", token).refused("otp", "MISSING")
	b.do("GET", "/password/reset", "username", name).want(200, "")
	reset := w.hooks.next(t).form.Get("token")
	w.browser().do("POST", "/password", "token", reset, "password", "another fine secret").refused("otp", "MISSING")
	in("password", goodPassword).refused("otp", "MISSING") // the password has not changed

	// A session that was opened without a code does not take the factor away.
	b.do("DELETE", "/totp").refused("otp", "MISSING")
	b.do("DELETE", "/totp", "otp", used).refused("otp", "INVALID_OR_EXPIRED")
	b.do("DELETE", "/totp", "otp", code(t, secret, 1)).want(200, "")
	in("password", goodPassword).want(201, "TOKEN")

	// An expired password takes it away, too.
	got = b.do("POST", "/totp/new")
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	b.do("POST", "/totp/confirm", "otp", code(t, body.Result.Secret, 0)).want(200, "")
	w.app("PATCH", "/accounts/"+claims.number()+"/expire_password").want(200, "")
	in("password", goodPassword).refused("credentials", "EXPIRED")
}
