package login

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

const right = "correct horse battery"

func TestPeopleSignInByEitherNameHoweverTheyWriteIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "Jo@Example.com", "Jo.Doe", right)
	for _, name := range []string{"Jo@Example.com", "jo@example.com", " JO@EXAMPLE.COM ", "jo.doe", "JO.DOE", "ｊｏ．ｄｏｅ"} {
		v := s.visitor()
		if p := v.signIn(name, right); p.leads() != "/" {
			t.Errorf("%q: got %d to %q, want 303 to /", name, p.status, p.location())
		}
		if p := v.get("/account"); !strings.Contains(p.body, "Jo@example.com") {
			t.Errorf("%q: the start page does not say who is signed in", name)
		}
	}
	sessions, err := s.store.SessionsOf(t.Context(), "default", user.ID, time.Now())
	if err != nil || len(sessions) != 6 {
		t.Fatalf("got %d sessions, %v", len(sessions), err)
	}
	if got := sessions[0]; got.ACR != storage.ACRPassword || !cmp.Equal(got.AMR, []string{"pwd"}) ||
		got.IP != "127.0.0.1" || time.Since(got.AuthTime) > time.Minute {
		t.Errorf("got session %+v", got)
	}
	event := s.events("default")[0]
	if event.Kind != "login.succeeded" || event.UserID != user.ID || event.Actor != user.ID ||
		event.IP != "127.0.0.1" || event.RequestID == "" {
		t.Errorf("got event %+v", event)
	}
}

func TestSigningInGoesOnWithTheRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	q := s.ask("", storage.Interaction{Client: storage.Client{ClientID: "shop", ClientName: "Shop"}})
	v := s.visitor()
	p := v.get("/login?" + q)
	for _, want := range []string{"to continue to Shop", `name="i" value="letter-1"`,
		`href="/authorize?i=letter-1&amp;cancel=1"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	p = v.post("/login", "i", "letter-1", "login", "jo@example.com", "password", right)
	if p.leads() != "/authorize?i=letter-1" {
		t.Errorf("got %d to %q", p.status, p.location())
	}
	if e := s.events("default")[0]; e.ClientID != "shop" {
		t.Errorf("got event %+v", e)
	}
	// Whatever else the address says, no page leads anywhere but there.
	for _, extra := range []string{"next", "return_to", "continue", "redirect_uri", "url", "r"} {
		v := s.visitor()
		v.get("/login?" + extra + "=https://evil.example/")
		p := v.post("/login?"+extra+"=//evil.example/", "login", "jo@example.com", "password", right,
			extra, "//evil.example/")
		if p.location() != "/" {
			t.Errorf("%s: led to %q", extra, p.location())
		}
	}
	if p := v.get("/login?i=unknown"); p.status != http.StatusBadRequest {
		t.Errorf("unknown letter: got %d, want 400", p.status)
	}
	v.get("/login?other=1")
	if p := v.post("/login", "i", "unknown", "login", "jo@example.com", "password",
		right); p.status != http.StatusBadRequest {
		t.Errorf("unknown letter posted: got %d, want 400", p.status)
	}
}

// lookalikes are all ways not to be signed in, each with the name to try.
func lookalikes(t testing.TB, s *site) map[string]string {
	t.Helper()
	s.user("default", "jo@example.com", "", right)
	s.user("default", "none@example.com", "", "")
	off := s.user("default", "off@example.com", "", right)
	off.Disabled = true
	if err := storagetest.UpdateUser(t.Context(), s.store, off); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"wrong password": "jo@example.com", "unknown e-mail": "un@example.com",
		"unknown user name": "unknown",
		"no password":       "none@example.com", "disabled, right password": "off@example.com",
		"no name at all": "not a name\x00"}
}

// sealedName is the parameter that carries a name along.
var sealedName = regexp.MustCompile(`as=[\w-]+`)

func TestFailuresLookAlike(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.letters["l"] = storage.Interaction{Letter: "l", ContinueURL: "/authorize?i=l", CancelURL: "/authorize?i=l&cancel=1",
		RedirectURI: "https://app.example/"}
	cases := lookalikes(t, s)
	type look struct {
		Status  int
		Header  http.Header
		Body    string
		Cookies string
	}
	var first *look
	for name, login := range cases {
		v := s.visitor()
		v.get("/login?i=l")
		secret := "wrong battery horse"
		if strings.Contains(name, "right password") {
			secret = right
		}
		bound := v.cookie("browser")
		p := v.post("/login", "i", "l", "login", login, "password", secret)
		p.header.Del("Date")
		p.header.Del("X-Request-Id")
		p.header.Del("Content-Length") // of names of different length
		body := sealedName.ReplaceAllString(strings.ReplaceAll(p.body, v.form, "FORM"), "as=NAME")
		for _, typed := range []string{login, strings.ReplaceAll(login, "\x00", "\uFFFD")} {
			body = strings.ReplaceAll(body, `value="`+typed+`"`, `value="LOGIN"`)
		}
		got := &look{p.status, p.header, body,
			strings.ReplaceAll(bound, v.cookie("browser"), "") + v.cookie("session") + v.cookie("device")}
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, english["signin.wrong"]) {
			t.Errorf("%s: got %d", name, p.status)
		}
		if strings.Contains(p.body, secret) {
			t.Errorf("%s: the password is in the answer", name)
		}
		if first == nil {
			first = got
			continue
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("%s differs:\n%s", name, diff)
		}
	}
	for _, e := range s.events("default") {
		if e.Kind != "login.failed" || e.Actor != "anonymous" || strings.Contains(e.Detail["reason"], "@") {
			t.Errorf("got event %+v", e)
		}
	}
}

// TestFailuresWorkAlike fills the pool of hashes, so that a request that hashes fails.
func TestFailuresWorkAlike(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	cases := lookalikes(t, s)
	full, err := password.New(cheap, argon2id.NewPool(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	s.login.Passwords = full
	for name, login := range cases {
		p := s.visitor().signIn(login, right)
		if p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" ||
			!strings.Contains(p.body, english["signin.busy"]) {
			t.Errorf("%s: got %d, want 503 with Retry-After: no password was hashed", name, p.status)
		}
	}
}

func TestASessionNeverSurvivesSigningIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	s.user("default", "mo@example.com", "", right)
	session := func(v *visitor) *http.Cookie {
		return &http.Cookie{Name: "vouchsafe-session", Value: v.cookie("session")}
	}
	shows := func(c *http.Cookie, who string) bool {
		req, err := http.NewRequest(http.MethodGet, s.url+"/account", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(c)
		return strings.Contains(s.visitor().do(req).body, who)
	}

	// An attacker signs in as mo and plants that cookie in jo's browser.
	attacker := s.visitor()
	attacker.signIn("mo@example.com", right)
	planted := session(attacker)
	victim := s.visitor()
	victim.plant(planted)
	victim.signIn("jo@example.com", right)
	if shows(planted, "jo@example.com") {
		t.Error("the planted cookie is signed in as the victim")
	}
	if !shows(session(victim), "jo@example.com") {
		t.Error("the victim is not signed in")
	}

	// Signing in again gives another cookie; the old one is dead, the session is not.
	before := session(victim)
	old, err := s.store.SessionsOf(t.Context(), "default", jo.ID, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if p := victim.signIn("jo@example.com", right); p.leads() != "/" {
		t.Fatalf("got %d", p.status)
	}
	if shows(before, "jo@example.com") {
		t.Error("the cookie from before still works")
	}
	now, err := s.store.SessionsOf(t.Context(), "default", jo.ID, time.Now())
	if err != nil || len(now) != 1 || now[0].ID != old[0].ID || !now[0].AuthTime.After(old[0].AuthTime) {
		t.Errorf("got sessions %+v, %v, want %s renewed", now, err, old[0].ID)
	}
}

func TestPasswordsThatAreTooLongAreRefusedBeforeAnyWork(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	full, err := password.New(cheap, argon2id.NewPool(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	s.login.Passwords = full // a request that hashes gets 503
	v := s.visitor()
	v.get("/login")
	for size, want := range map[int]int{password.MaxLength + 1: http.StatusUnprocessableEntity,
		60 << 10: http.StatusUnprocessableEntity,
		1 << 20:  http.StatusRequestEntityTooLarge, 10 << 20: http.StatusRequestEntityTooLarge} {
		if p := v.post("/login", "login", "jo@example.com", "password", strings.Repeat("x", size)); p.status != want {
			t.Errorf("%d bytes: got %d, want %d", size, p.status, want)
		}
	}
}

func TestHashesAreRenewedWhenTheirParametersChange(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "", right)
	stored := func() string {
		cred, err := s.store.Credential(t.Context(), "default", user.ID, storage.PasswordCredential, "")
		if err != nil {
			t.Fatal(err)
		}
		return string(cred.Data)
	}
	before := stored()
	dearer, err := password.New(argon2id.Params{Memory: 128, Time: 2, Threads: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.login.Passwords = dearer
	s.visitor().signIn("jo@example.com", "wrong battery horse")
	if stored() != before {
		t.Error("hashed anew without the password")
	}
	v := s.visitor()
	if p := v.signIn("jo@example.com", right); p.leads() != "/" {
		t.Fatalf("got %d", p.status)
	}
	after := stored()
	if !strings.Contains(after, "$m=128,t=2,p=1$") {
		t.Errorf("got %s", after)
	}
	if p := s.visitor().signIn("jo@example.com", right); p.leads() != "/" || stored() != after {
		t.Errorf("with the new hash: got %d", p.status)
	}
	if p := v.get("/account"); !strings.Contains(p.body, "jo@example.com") {
		t.Error("hashing anew ended the session")
	}
}

func TestWhatWasTypedIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	for _, test := range []struct{ login, password, want string }{
		{`"><script>x</script>`, "wrong battery horse", `value="&#34;&gt;&lt;script&gt;x&lt;/script&gt;"`},
		{"jo@example.com", "", english["signin.missing_secret"]},
		{"", "wrong battery horse", english["signin.missing_login"]},
		{"  ", "", english["signin.missing_login"]},
	} {
		p := v.signIn(test.login, test.password)
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, test.want) ||
			!strings.Contains(p.body, `role="alert"`) {
			t.Errorf("%q: got %d without %q", test.login, p.status, test.want)
		}
		if strings.Contains(p.body, "wrong battery horse") ||
			strings.Contains(strings.ReplaceAll(p.body, `<script src="/static/`, ""), "<script") {
			t.Errorf("%q: the page shows too much", test.login)
		}
	}
}

func TestTheHintIsFilledIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "jo", right)
	jo := s.ask("", storage.Interaction{LoginHint: "jo@example.com"})
	mo := s.ask("", storage.Interaction{LoginHint: `mo"><b>`})
	none := s.ask("", storage.Interaction{Prompt: []string{"login"}})
	v := s.visitor()
	if p := v.get("/login?" + jo); !strings.Contains(p.body, `name="login" type="text" value="jo@example.com"`) {
		t.Error("the hint is not filled in")
	}
	if p := v.get("/login?" + mo); !strings.Contains(p.body, `value="mo&#34;&gt;&lt;b&gt;"`) {
		t.Error("the hint is not escaped")
	}
	v.signIn("jo", right)
	if p := v.get("/login"); p.leads() != "/" {
		t.Errorf("signed in, no client asks: got %d to %q", p.status, p.location())
	}
	if p := v.get("/login?" + none); p.leads() != "/authorize?"+none {
		t.Errorf("signed in after the request began: got %d to %q", p.status, p.location())
	}
	for name, q := range map[string]string{"hinted": jo, "nobody hinted": none} {
		s.begin(q)
		p := v.get("/login?" + q)
		if !strings.Contains(p.body, english["signin.again"]) || !strings.Contains(p.body, `name="confirm"`) ||
			!strings.Contains(p.body, "other=1") {
			t.Errorf("%s: the page does not ask to confirm the account", name)
		}
		letter := strings.TrimPrefix(q, "i=")
		if p := v.post("/login", "i", letter, "confirm", "1", "login", "jo@example.com", "password",
			"wrong"); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, `name="confirm"`) {
			t.Errorf("%s: after a wrong password got %d, without the account", name, p.status)
		}
		if p := v.post("/login", "i", letter, "confirm", "1", "login", "jo@example.com", "password",
			right); p.location() != "/authorize?"+q {
			t.Errorf("%s: got %d to %q", name, p.status, p.location())
		}
	}
	if p := v.get("/login?" + mo); strings.Contains(p.body, `name="confirm"`) {
		t.Error("another user is hinted at, and the page asks to confirm the account that is signed in")
	}
	if p := v.get("/login?other=1&" + none); strings.Contains(p.body, `name="confirm"`) {
		t.Error("another account was asked for")
	}
}
