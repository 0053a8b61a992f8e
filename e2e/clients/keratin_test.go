package clients

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// keratinApp is an app that was written for Keratin AuthN: a page with its library, and a server that gets webhooks.
type keratinApp struct {
	t     *testing.T
	ctx   context.Context
	authn string
	hooks chan url.Values
}

// TestKeratinLibraries has authn-js in a browser, and authn-node at the app's server, find Vouchsafe in the place of
// Keratin AuthN. Both are as their authors publish them.
func TestKeratinLibraries(t *testing.T) {
	t.Parallel()
	libraries(t)
	a := &keratinApp{t: t, hooks: make(chan url.Values, 20)}
	mux := http.NewServeMux()
	for path, name := range map[string]string{
		"GET /{$}":                  "keratin/page.html",
		"GET /keratin-authn.umd.js": "npm/node_modules/keratin-authn/dist/keratin-authn.umd.js",
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
	}
	mux.HandleFunc("POST /hook", func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err == nil {
			a.hooks <- r.PostForm
		}
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	// Pages of localhost at any port are of one site, as an app and its AuthN server are.
	page := strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
	free, err := testdaemon.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free)
	a.authn = "http://localhost:" + port
	server := vouchsafetest.Start(t, vouchsafetest.Options{Env: map[string]string{
		"VOUCHSAFE_KERATIN": "default", "AUTHN_URL": a.authn, "PORT": port, "APP_DOMAINS": "localhost",
		"HTTP_AUTH_USERNAME": "app", "HTTP_AUTH_PASSWORD": "the password of the app", "ACCESS_TOKEN_TTL": "10",
		"APP_PASSWORD_RESET_URL": site.URL + "/hook", "APP_PASSWORDLESS_TOKEN_URL": site.URL + "/hook",
	}})
	google := vouchsafetest.NewStandIn(t, fakeidp.Google, nil)
	server.ApplyTenant(t, map[string]any{"upstreams": []any{google.Upstream}})
	a.ctx = chromiumtest.New(t)
	chromiumtest.Do(t, a.ctx, chromedp.Navigate(page))
	a.does(fmt.Sprintf(`KeratinAuthN.setHost(%q)`, a.authn))
	a.does(`KeratinAuthN.setLocalStorageStore("session")`)
	name := "u" + strings.ToLower(rand.Text()[:10])
	a.accounts(name)
	a.tokens(name)
	a.factors(name)
	a.wakes()
	a.comesFromGoogle(page)
}

// does runs a call of the library, and fails unless it succeeds. It returns what the call gives, as JSON.
func (a *keratinApp) does(call string) string {
	a.t.Helper()
	result, fault := a.call(call)
	if fault != "" {
		a.t.Fatalf("%s: got %s", call, fault)
	}
	return result
}

// fails runs a call that has to fail with the field and the message.
func (a *keratinApp) fails(call, field, message string) {
	a.t.Helper()
	want := fmt.Sprintf(`[{"field":%q,"message":%q}]`, field, message)
	if _, fault := a.call(call); fault != want {
		a.t.Fatalf("%s: got %s, want %s", call, fault, want)
	}
}

// call runs a call of the library and waits for its end.
func (a *keratinApp) call(call string) (result, fault string) {
	a.t.Helper()
	chromiumtest.Run(a.t, a.ctx, chromedp.Evaluate[bool](`window.ended = "";
		Promise.resolve().then(() => `+call+`).then(
			(v) => { window.ended = JSON.stringify({ok: JSON.stringify(v ?? null)}) },
			(e) => { window.ended = JSON.stringify({bad: e instanceof Error ? String(e) : JSON.stringify(e)}) });
		true`))
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		text := chromiumtest.Run(a.t, a.ctx, chromedp.Evaluate[string](`window.ended`))
		if text != "" {
			var out struct{ OK, Bad string }
			if err := json.Unmarshal([]byte(text), &out); err != nil {
				a.t.Fatal(err)
			}
			return out.OK, out.Bad
		}
		if time.Now().After(end) {
			a.t.Fatalf("%s does not end", call)
		}
	}
}

// session returns the token that the library keeps; "" for none.
func (a *keratinApp) session() string {
	a.t.Helper()
	return chromiumtest.Run(a.t, a.ctx, chromedp.Evaluate[string](`KeratinAuthN.session() ?? ""`))
}

// subject returns the sub of a token, as authn-node verifies it. With admin it also calls private routes.
func (a *keratinApp) subject(token string, admin bool) string {
	a.t.Helper()
	in, err := json.Marshal(map[string]any{
		"issuer": a.authn, "audience": "localhost", "token": token, "password": "the password of the app", "admin": admin,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	cmd := exec.CommandContext(a.t.Context(), "node", "keratin.mjs", string(in))
	cmd.Dir = "npm"
	out, err := cmd.CombinedOutput()
	if err != nil {
		a.t.Fatalf("authn-node: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// token returns the token of the next webhook.
func (a *keratinApp) token() string {
	a.t.Helper()
	select {
	case form := <-a.hooks:
		return form.Get("token")
	case <-time.After(time.Minute):
		a.t.Fatal("no webhook came")
		return ""
	}
}

const (
	keratinPassword = "tidal lantern orchard"
	keratinSecond   = "another fine secret"
)

// accounts signs up, in and out, and has the library renew its token.
func (a *keratinApp) accounts(name string) {
	a.t.Helper()
	if got := a.does(fmt.Sprintf(`KeratinAuthN.isAvailable(%q)`, name)); got != "true" {
		a.t.Errorf("isAvailable: got %s, want true", got)
	}
	a.fails(fmt.Sprintf(`KeratinAuthN.signup({username: %q, password: "short"})`, name), "password", "INSECURE")
	a.does(fmt.Sprintf(`KeratinAuthN.signup({username: %q, password: %q})`, name, keratinPassword))
	first := a.session()
	if got := a.subject(first, true); got != "1" {
		a.t.Errorf("authn-node: got subject %q, want 1", got)
	}
	if _, fault := a.call(fmt.Sprintf(`KeratinAuthN.isAvailable(%q)`, name)); !strings.Contains(fault, "TAKEN") {
		if got := a.does(fmt.Sprintf(`KeratinAuthN.isAvailable(%q)`, name)); got != "false" {
			a.t.Errorf("isAvailable: got %s %s for a name that is taken", got, fault)
		}
	}
	// At half its life the library renews the token by itself.
	for end := time.Now().Add(time.Minute); a.session() == first; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			a.t.Fatal("the library did not renew the token")
		}
	}
	if payload := payloadOf(a.t, a.session()); payload["sid"] != payloadOf(a.t, first)["sid"] {
		a.t.Errorf("got another session, %v", payload)
	}
	a.does(`KeratinAuthN.logout()`)
	if got := a.session(); got != "" {
		a.t.Errorf("got session %s after signing out", got)
	}
	a.fails(fmt.Sprintf(`KeratinAuthN.login({username: %q, password: "wrong"})`, name), "credentials", "FAILED")
	a.does(fmt.Sprintf(`KeratinAuthN.login({username: %q, password: %q})`, name, keratinPassword))
	a.does(`KeratinAuthN.importSession()`)
	a.fails(fmt.Sprintf(`KeratinAuthN.changePassword({password: %q, currentPassword: "wrong"})`, keratinSecond),
		"credentials", "FAILED")
	a.does(fmt.Sprintf(`KeratinAuthN.changePassword({password: %q, currentPassword: %q})`, keratinSecond,
		keratinPassword))
}

// payloadOf returns the claims of a token.
func payloadOf(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	_, rest, _ := strings.Cut(token, ".")
	text, _, _ := strings.Cut(rest, ".")
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(plain, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// tokens resets the password, and signs in without one.
func (a *keratinApp) tokens(name string) {
	a.t.Helper()
	a.does(fmt.Sprintf(`KeratinAuthN.requestPasswordReset(%q)`, name))
	token := a.token()
	a.does(fmt.Sprintf(`KeratinAuthN.resetPassword({token: %q, password: "the third secret one"})`, token))
	a.fails(fmt.Sprintf(`KeratinAuthN.resetPassword({token: %q, password: "the fourth secret one"})`, token), "token",
		"INVALID_OR_EXPIRED")
	a.does(`KeratinAuthN.logout()`)
	a.does(fmt.Sprintf(`KeratinAuthN.requestSessionToken(%q)`, name))
	a.does(fmt.Sprintf(`KeratinAuthN.sessionTokenLogin({token: %q})`, a.token()))
	if got := a.subject(a.session(), false); got != "1" {
		a.t.Errorf("got subject %q after a passwordless sign-in, want 1", got)
	}
}

// factors sets an authenticator app up, signs in with it, and takes it away.
func (a *keratinApp) factors(name string) {
	a.t.Helper()
	var setup struct{ Secret, URL string }
	if err := json.Unmarshal([]byte(a.does(`KeratinAuthN.newTOTP()`)), &setup); err != nil || setup.Secret == "" {
		a.t.Fatalf("newTOTP: got %+v, %v", setup, err)
	}
	code := func(steps int) string {
		digits, err := totp.GenerateCode(setup.Secret, time.Now().Add(time.Duration(steps)*30*time.Second))
		if err != nil {
			a.t.Fatal(err)
		}
		return digits
	}
	a.does(fmt.Sprintf(`KeratinAuthN.confirmTOTP({otp: %q})`, code(-1)))
	a.does(`KeratinAuthN.logout()`)
	login := fmt.Sprintf(`KeratinAuthN.login({username: %q, password: "the third secret one"`, name)
	a.fails(login+`})`, "otp", "MISSING")
	a.does(login + fmt.Sprintf(`, otp: %q})`, code(0)))
	a.does(`KeratinAuthN.deleteTOTP()`)
	a.does(`KeratinAuthN.logout()`)
	a.does(login + `})`)
}

// wakes has the device sleep until the token is due to be renewed: the library renews it when the page is visible
// again.
func (a *keratinApp) wakes() {
	a.t.Helper()
	a.script(`window.timer = window.setTimeout; window.setTimeout = () => 0`) // timers stand still
	a.does(`KeratinAuthN.importSession()`)
	asleep := a.session()
	time.Sleep(6 * time.Second) // half of the life of a token is 5
	if a.session() != asleep {
		a.t.Fatal("the library renewed the token while the device slept")
	}
	a.script(`window.setTimeout = window.timer; document.dispatchEvent(new Event("visibilitychange"))`)
	for end := time.Now().Add(time.Minute); a.session() == asleep; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			a.t.Fatal("the library did not renew the token when the page was visible again")
		}
	}
	a.does(`KeratinAuthN.logout()`)
}

// script runs a script in the page.
func (a *keratinApp) script(text string) {
	a.t.Helper()
	chromiumtest.Run(a.t, a.ctx, chromedp.Evaluate[bool](text+`; true`))
}

// comesFromGoogle signs in at the fake Google, as a link of the app leads there, and imports the session as the guide
// of Keratin AuthN says. A second time it is the same account.
func (a *keratinApp) comesFromGoogle(page string) {
	a.t.Helper()
	var first string
	for range 2 {
		chromiumtest.Do(a.t, a.ctx, chromedp.Navigate(a.authn+"/oauth/google?redirect_uri="+url.QueryEscape(page+"/")))
		chromiumtest.Submit(a.t, a.ctx, chromedp.Click("button.person"))
		if at := chromiumtest.Run(a.t, a.ctx, chromedp.Evaluate[string](`location.href`)); at != page+"/" {
			a.t.Fatalf("got %s, want the page of the app", at)
		}
		a.script(fmt.Sprintf(`KeratinAuthN.setHost(%q); KeratinAuthN.setLocalStorageStore("session")`, a.authn))
		a.does(`KeratinAuthN.importSession()`)
		claims := payloadOf(a.t, a.session())
		if amr := fmt.Sprint(claims["amr"]); amr != "[oauth:google]" {
			a.t.Errorf("got amr %s", amr)
		}
		if sub := a.subject(a.session(), false); sub == "1" || first != "" && sub != first {
			a.t.Errorf("got subject %s, before %s", sub, first)
		} else {
			first = sub
		}
		a.does(`KeratinAuthN.logout()`)
	}
}
