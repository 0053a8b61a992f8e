package threats

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// mobile is a client of the JSON API.
var mobile = vouchsafetest.Client{
	"client_id": "mobile", "client_secret": "mobile-secret-4xKq9TzN6vRm1LwB", "first_party": true,
	"grant_types": []string{"urn:vouchsafe:first-party", "refresh_token"}, "scope": "openid profile email offline_access",
}

// flows is a run of everything that users and programs do. It remembers each secret that was
// involved.
type flows struct {
	t       *testing.T
	s       *vouchsafetest.Server
	api     *vouchsafetest.API
	mails   *smtptest.Server
	secrets map[string]string
	// social is a tenant whose users come from upstream providers.
	social    *vouchsafetest.Server
	providers []*teller
	said      strings.Builder // to those who came from them in vain
}

// all runs every flow.
func (f *flows) all() {
	email, session := f.signUp()
	f.reset(email, session)
	f.secondFactor()
	f.passkey()
	f.invitation()
	f.upstream()
}

func (f *flows) note(name, secret string) string {
	f.t.Helper()
	if len(secret) < 6 {
		f.t.Fatalf("%s: got %q, which could not be found again", name, secret)
	}
	f.secrets[name] = secret
	return secret
}

// call is a call of the API by the app. Secrets in the answer are remembered.
func (f *flows) call(path string, pairs ...string) *vouchsafetest.Reply {
	f.t.Helper()
	body := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		body[pairs[i]] = pairs[i+1]
	}
	return f.callWith(path, body)
}

func (f *flows) callWith(path string, body map[string]any) *vouchsafetest.Reply {
	f.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	req := f.api.Request(f.t, http.MethodPost, path, "application/json", string(text))
	vouchsafetest.Basic(mobile.ID(), mobile.Secret())(req)
	got := f.api.Do(f.t, req)
	for _, name := range []string{"access_token", "refresh_token", "id_token", "auth_session", "flow"} {
		if v := got.String(name); v != "" {
			f.note(name+" of "+path+" "+rand.Text()[:4], v)
		}
	}
	return got
}

// mail remembers the secrets in the next mail to the address.
func (f *flows) mail(to, what string) smtptest.Message {
	f.t.Helper()
	m := f.mails.Next(f.t, to)
	if m.Code != "" {
		f.note("code to "+what, m.Code)
	}
	if link, err := url.Parse(m.Link); err == nil {
		for _, name := range []string{"token", "invitation"} {
			if v := link.Query().Get(name); v != "" {
				f.note("link to "+what, v)
			}
		}
	}
	return m
}

func (f *flows) signUp() (email, session string) {
	email = strings.ToLower(rand.Text()) + "@example.com"
	password := f.note("password of the sign-up", "canary password "+rand.Text())
	flow := f.call("/auth/sign-up", "email", email, "password", password).String("flow")
	f.call("/auth/confirm-email", "flow", flow, "code", f.note("wrong code", "93817264"))
	got := f.call("/auth/confirm-email", "flow", flow, "code", f.mail(email, "sign up").Code).Want(f.t, 200, "")
	got = f.call("/auth/refresh-tokens", "refresh_token", got.Refresh()).Want(f.t, 200, "")
	f.api.Userinfo(f.t, got.Access())
	f.call("/auth/sign-in", "login", email, "password", f.note("wrong password", "wrong canary "+rand.Text()))
	f.call("/auth/sign-up", "email", email, "password",
		f.note("password for an address that is taken", "taken canary "+rand.Text()))
	f.call("/auth/logout", "token", got.Refresh())
	return email, got.String("auth_session")
}

func (f *flows) reset(email, _ string) {
	flow := f.call("/auth/reset-password", "login", email).String("flow")
	var m smtptest.Message
	for m = f.mail(email, "reset"); m.Code == ""; m = f.mail(email, "reset") { // notices came before
	}
	f.call("/auth/confirm-reset", "flow", flow, "code", m.Code, "password",
		f.note("new password", "reset canary "+rand.Text())).Want(f.t, 200, "")
	flow = f.call("/auth/send-code", "login", email, "channel", "email").String("flow")
	if flow != "" {
		f.mail(email, "sign in")
	}
}

var recoveryCode = regexp.MustCompile(`<li>\s*(?:<code>)?([a-z0-9]{4,}(?:[- ][a-z0-9]{4,})+)`)

func (f *flows) secondFactor() {
	t, p := f.t, f.s.Person(f.t)
	f.note("password with a second factor", p.Password)
	r := vouchsafetest.NewRequest(web, "acr_values", mfa)
	b := f.s.Browser(t, p)
	page := b.SignIn(t, b.Get(t, r.Path()), p)
	page = b.Get(t, page.URL.RequestURI()+"&app=1") // rather than a passkey
	key := secretKey.FindStringSubmatch(page.Body)
	if key == nil {
		t.Fatal("there is no key to set up")
	}
	seed := f.note("seed of one-time passwords", strings.ReplaceAll(key[1], " ", ""))
	code, err := totp.GenerateCode(seed, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	page = types(t, b, page, code)
	codes := recoveryCode.FindAllStringSubmatch(page.Body, -1)
	if len(codes) < 5 {
		t.Fatalf("got %d recovery codes on %s", len(codes), page.Body)
	}
	for i, c := range codes {
		f.note("recovery code "+string(rune('a'+i)), c[1])
	}
	other := f.s.Browser(t, p)
	page = other.SignIn(t, other.Get(t, r.Path()), p)
	page = other.Get(t, page.URL.RequestURI()+"&recovery=1")
	types(t, other, page, codes[0][1])
	for _, c := range append(b.Cookies(), other.Cookies()...) {
		for _, part := range strings.FieldsFunc(c.Value, func(r rune) bool { return r == '.' || r == '~' }) {
			if len(part) > 36 { // ids may be known, they are not secret
				f.note("cookie "+c.Name+" "+rand.Text()[:4], part)
			}
		}
	}
}

func (f *flows) passkey() {
	t, p := f.t, f.s.Person(f.t)
	b := f.s.Browser(t, p)
	b.SignIn(t, b.Get(t, "/login"), p)
	page := b.Get(t, "/account/passkeys")
	device := passkeytest.New(t, f.s.Origin())
	var asked struct {
		State   string          `json:"state"`
		Options json.RawMessage `json:"options"`
	}
	if err := json.Unmarshal([]byte(b.Get(t, "/account/passkeys/options").Body), &asked); err != nil {
		t.Fatal(err)
	}
	f.note("state of a passkey's challenge", asked.State)
	fields := page.Forms(t)[0].Fields
	form := url.Values{"form": fields["form"], "session": fields["session"], "state": {asked.State},
		"answer": {string(device.Register(t, asked.Options))}, "name": {"phone"}}
	if page := b.Post(t, "/account/passkeys", form); page.Status != 200 ||
		!strings.Contains(page.URL.RawQuery, "passkey-added") {
		t.Fatalf("a passkey: got %d at %s", page.Status, page.URL)
	}
	f.note("form's token", fields.Get("form"))
	f.note("private key of a passkey", string(device.Private(t)))

	challenge := f.call("/auth/passkey-options").Want(t, 200, "")
	state := f.note("state of a passkey's challenge to sign in", challenge.String("state"))
	options, err := json.Marshal(challenge.Body["options"])
	if err != nil {
		t.Fatal(err)
	}
	answer := map[string]any{
		"auth_session": challenge.String("auth_session"),
		"passkey":      map[string]any{"state": state, "credential": json.RawMessage(device.SignIn(t, options))},
	}
	f.callWith("/auth/sign-in", answer).Want(t, 200, "")
	f.callWith("/auth/sign-in", answer).Want(t, 422, "")
}

func (f *flows) invitation() {
	email := strings.ToLower(rand.Text()) + "@example.com"
	f.s.Command(f.t, "", "user", "invite", email)
	m := f.mail(email, "invitation")
	link, err := url.Parse(m.Link)
	if err != nil {
		f.t.Fatal(err)
	}
	f.call("/auth/accept-invitation", "invitation", link.Query().Get("invitation"), "password",
		f.note("password of the invited", "invited canary "+rand.Text())).Want(f.t, 200, "")
}
