package login

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
)

const fresh = "purple walrus umbrella"

// settle gives the tenant settings, and waits until they are in force.
func (s *site) settle(tenant string, settings storage.TenantSettings) {
	s.t.Helper()
	t, err := s.store.Tenant(s.t.Context(), tenant)
	if err != nil {
		s.t.Fatal(err)
	}
	t.Settings = settings
	if err := s.store.UpdateTenant(s.t.Context(), t); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // see internal/cache
}

// free takes the limits on mails away.
func free(c *Config) {
	c.PerTarget, c.PerAsker, c.PerAddress = limit.Rule{Max: 1 << 40, Window: time.Hour},
		limit.Rule{Max: 1 << 40, Window: time.Hour}, limit.Rule{Max: 1 << 40, Window: time.Hour}
}

// signUp fills in the page; the answer is that of the form.
func (v *visitor) signUp(email string, more ...string) answer {
	v.t.Helper()
	v.get("/signup")
	return v.post("/signup", append([]string{"email", email, "password", fresh}, more...)...)
}

// flow is what an answer's redirect leads to.
func flow(t testing.TB, p answer) string {
	t.Helper()
	u, err := url.Parse(p.leads())
	if err != nil || u.Query().Get("flow") == "" {
		t.Fatalf("got %d to %q, want a flow: %s", p.status, p.location(), alertOf(p))
	}
	return u.Query().Get("flow")
}

var alerts = regexp.MustCompile(`role="alert">([^<]*)<`)

func alertOf(p answer) string {
	var all []string
	for _, m := range alerts.FindAllStringSubmatch(p.body, -1) {
		all = append(all, m[1])
	}
	return strings.Join(all, " | ")
}

// path is a link's, below the issuer.
func (v *visitor) path(m smtptest.Message) string { return strings.TrimPrefix(m.Link, v.url+v.base) }

func tokenOf(m smtptest.Message) string {
	_, token, _ := strings.Cut(m.Link, "=")
	return token
}

func TestSigningUpByCode(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	q := s.ask("", storage.Interaction{})
	v := s.visitor()
	if p := v.get("/login?" + q); !strings.Contains(p.body, `href="/signup?`+q+`"`) {
		t.Error("the sign-in page does not lead there")
	}
	if p := v.get("/"); !strings.Contains(p.body, `href="/signup"`) {
		t.Error("the start page does not lead there")
	}
	p := v.get("/signup?" + q)
	if p.status != http.StatusOK || !strings.Contains(p.header.Get("Content-Security-Policy"), "script-src 'self'") {
		t.Fatalf("got %d with %s", p.status, p.header.Get("Content-Security-Policy"))
	}
	p = v.post("/signup", "i", "letter-1", "email", " Jo@Example.com ", "password", fresh)
	id := flow(t, p)
	if p := v.get(p.location()); !strings.Contains(p.body, "Jo@example.com") ||
		!strings.Contains(p.body, `autocomplete="one-time-code"`) {
		t.Errorf("got %d: %s", p.status, p.body)
	}
	if _, err := s.store.UserByEmail(t.Context(), "default", "jo@example.com"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an account before the address is confirmed: %v", err)
	}
	m := s.mails.Next(t, "jo@example.com")
	if p := v.post("/signup/confirm", "i", "letter-1", "flow", id, "code",
		"0000 0000"); p.status != http.StatusUnprocessableEntity || alertOf(p) != english.Must("confirm.wrong_left", 4) {
		t.Errorf("a wrong code: got %d, %q", p.status, alertOf(p))
	}
	if p := v.post("/signup/confirm", "i", "letter-1", "flow", id, "code",
		" "); p.status != http.StatusUnprocessableEntity || alertOf(p) != english["confirm.missing"] {
		t.Errorf("no code: got %d, %q", p.status, alertOf(p))
	}
	p = v.post("/signup/confirm", "i", "letter-1", "flow", id, "code", m.Code[:4]+" "+m.Code[4:])
	if p.leads() != "/authorize?"+q {
		t.Fatalf("got %d to %q: %s", p.status, p.location(), alertOf(p))
	}
	user, err := s.store.UserByEmail(t.Context(), "default", "jo@example.com")
	if err != nil || user.Email != "Jo@example.com" || !user.EmailVerified || user.Username != "" || len(user.Roles) != 0 {
		t.Errorf("got %+v, %v", user, err)
	}
	if p := v.get("/signout"); !strings.Contains(p.body, "Jo@example.com") {
		t.Error("no user is signed in")
	}
	if p := s.visitor().signIn("jo@example.com", fresh); p.leads() != "/" {
		t.Errorf("signing in: got %d", p.status)
	}
	if p := v.post("/signup/confirm", "flow", id, "code", m.Code); p.status != http.StatusBadRequest {
		t.Errorf("the code again: got %d", p.status)
	}
	if e := s.events("default"); !slices.ContainsFunc(e, func(e storage.Event) bool {
		return e.Kind == "user.added" && e.UserID == user.ID
	}) {
		t.Errorf("got events %+v", e)
	}
}

// TestSigningUpByLink: I8, and that the link goes on with the client's request in the
// browser where it began.
func TestSigningUpByLink(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	q := s.ask("", storage.Interaction{})
	v := s.visitor()
	v.get("/signup?" + q)
	flow(t, v.post("/signup", "i", "letter-1", "email", "jo@example.com", "password", fresh))
	m := s.mails.Next(t, "jo@example.com")
	for range 20 { // scanners
		if p := s.visitor().get(v.path(m)); p.status != http.StatusOK {
			t.Fatalf("looking at the link: got %d", p.status)
		}
	}
	p := v.get(v.path(m))
	if p.status != http.StatusOK || strings.Contains(p.body, `name="password"`) ||
		!strings.Contains(p.body, "jo@example.com") {
		t.Errorf("in the same browser: got %d, asked for a password: %v", p.status,
			strings.Contains(p.body, `name="password"`))
	}
	if got := p.header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("got Referrer-Policy %q", got)
	}
	if p := v.post("/signup/confirm", "token", tokenOf(m)); p.leads() != "/authorize?"+q {
		t.Errorf("got %d to %q", p.status, p.location())
	}
	if p := v.post("/signup/confirm", "token", tokenOf(m)); p.status != http.StatusBadRequest {
		t.Errorf("the link again: got %d", p.status)
	}
}

// TestWhoReadsTheMailChoosesThePassword: G7, in its form without an account: a stranger
// registers another user's address, and that user follows the link.
func TestWhoReadsTheMailChoosesThePassword(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	stranger, owner := s.visitor(), s.visitor()
	id := flow(t, stranger.signUp("jo@example.com"))
	m := s.mails.Next(t, "jo@example.com")
	p := owner.get(owner.path(m))
	if p.status != http.StatusOK || !strings.Contains(p.body, english["confirm.elsewhere"]) ||
		!strings.Contains(p.body, `name="password"`) {
		t.Fatalf("got %d: %s", p.status, p.body)
	}
	if p := owner.post("/signup/confirm", "token", tokenOf(m)); p.status != http.StatusUnprocessableEntity ||
		alertOf(p) != english["password.missing"] {
		t.Errorf("without a password: got %d, %q", p.status, alertOf(p))
	}
	// The code, in a browser that the stranger's flow was handed to.
	if p := owner.post("/signup/confirm", "flow", id, "code", m.Code); p.status != http.StatusBadRequest {
		t.Errorf("the code in another browser: got %d", p.status)
	}
	if p := owner.post("/signup/confirm", "token", tokenOf(m), "password", right); p.leads() != "/" {
		t.Fatalf("got %d to %q: %s", p.status, p.location(), alertOf(p))
	}
	if p := s.visitor().signIn("jo@example.com", fresh); p.status != http.StatusUnprocessableEntity {
		t.Errorf("the stranger's password: got %d", p.status)
	}
	if p := s.visitor().signIn("jo@example.com", right); p.leads() != "/" {
		t.Errorf("the owner's password: got %d", p.status)
	}
	if p := stranger.get("/signout"); p.location() != "/signed-out" {
		t.Error("the stranger is signed in")
	}
	if p := stranger.post("/signup/confirm", "flow", id, "code", m.Code); p.status != http.StatusBadRequest {
		t.Errorf("the stranger, with the code: got %d", p.status)
	}
}

func TestWhatIsEnteredAtSignUpIsJudged(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.settle("default", storage.TenantSettings{SignUp: storage.SignUpSettings{AskUsername: true}})
	v := s.visitor()
	v.get("/signup")
	for _, test := range []struct{ email, username, password, want string }{
		{"", "", fresh, english["signup.bad_email"]},
		{"jo", "", fresh, english["signup.bad_email"]},
		{"a@x@evil.example", "", fresh, english["signup.bad_email"]},
		{`"jo"@example.com`, "", fresh, english["signup.bad_email"]},
		{"jo@example.com\r\nBcc: x@example.com", "", fresh, english["signup.bad_email"]},
		{"jo@example.com,x@example.com", "", fresh, english["signup.bad_email"]},
		{"jo doe@example.com", "", fresh, english["signup.bad_email"]},
		{".jo@example.com", "", fresh, english["email.special"]},
		{"jo..doe@example.com", "", fresh, english["email.special"]},
		{"jo%evil.example@example.com", "", fresh, english["email.special"]},
		{"evil.example!jo@example.com", "", fresh, english["email.special"]},
		{"=?utf-8?q?jo=40evil.example=3e=00?=@example.com", "", fresh, english["email.special"]},
		{"ﬁona@example.com", "", fresh, english["email.special"]}, // fiona's to some
		{"jo@example.com", "jo doe", fresh, english["signup.bad_username"]},
		{"jo@example.com", "jo@example.com", fresh, english["signup.bad_username"]},
		{"jo@example.com", "", "", english["password.missing"]},
		{"jo@example.com", "", "short", "Use at least 8 characters."},
		{"jo@example.com", "", "jo@example.com", english["setup.name"]},
		{"jo@example.com", "walrus.umbrella", "walrus.umbrella", english["setup.name"]},
		{"jo@example.com", "", strings.Repeat("long ", 300), "Use a shorter password: at most 1,024 bytes."},
	} {
		p := v.post("/signup", "email", test.email, "username", test.username, "password", test.password)
		if got := html.UnescapeString(alertOf(p)); p.status != http.StatusUnprocessableEntity || got != test.want {
			t.Errorf("%q, %q, %.20q: got %d, %q, want %q", test.email, test.username, test.password, p.status, got, test.want)
		}
		if strings.Contains(p.body, fresh) {
			t.Error("the password is shown")
		}
	}
	// All that is wrong, at once, and what was typed stays.
	p := v.post("/signup", "email", `"><b>`, "username", "jo doe", "password", "short")
	if strings.Count(p.body, `class="fault"`) != 3 || !strings.Contains(p.body, `value="&#34;&gt;&lt;b&gt;"`) ||
		!strings.Contains(p.body, `value="jo doe"`) {
		t.Errorf("got %s", p.body)
	}
	// M3
	if p := v.post("/signup", "email", "jo@example.com", "password",
		strings.Repeat("x", 70<<10)); p.status != http.StatusRequestEntityTooLarge {
		t.Errorf("70 KiB: got %d", p.status)
	}
}

// TestNamesAreToldAfterTheProofOfAnAddress: that a user name is taken is told late.
func TestNamesAreToldAfterTheProofOfAnAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.user("default", "mo@example.com", "Mo", right)
	s.settle("default", storage.TenantSettings{SignUp: storage.SignUpSettings{AskUsername: true}})
	v := s.visitor()
	id := flow(t, v.signUp("jo@example.com", "username", "mo"))
	m := s.mails.Next(t, "jo@example.com")
	p := v.post("/signup/confirm", "flow", id, "code", m.Code)
	if p.status != http.StatusUnprocessableEntity || alertOf(p) != english["signup.username_taken"] ||
		!strings.Contains(p.body, `value="`+m.Code+`"`) {
		t.Fatalf("got %d, %q", p.status, alertOf(p))
	}
	if p := v.post("/signup/confirm", "flow", id, "code", m.Code, "username",
		"a b"); alertOf(p) != english["signup.bad_username"] {
		t.Errorf("a bad name: got %d, %q", p.status, alertOf(p))
	}
	if p := v.post("/signup/confirm", "flow", id, "code", m.Code, "username", "Jo"); p.leads() != "/" {
		t.Fatalf("got %d, %q", p.status, alertOf(p))
	}
	if p := s.visitor().signIn("jo", fresh); p.leads() != "/" {
		t.Errorf("by the user name: got %d", p.status)
	}
}

// TestSignUpPolicies signs up where registration is closed, by invitation, or limited to domains (G16).
func TestSignUpPolicies(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	v := s.visitor()
	v.get("/signup")
	for _, mode := range []string{storage.SignUpClosed, storage.SignUpInvitation} {
		s.settle("default", storage.TenantSettings{SignUp: storage.SignUpSettings{Mode: mode}})
		if p := v.get("/signup"); p.status != http.StatusForbidden {
			t.Errorf("%s: the page: got %d", mode, p.status)
		}
		if p := v.post("/signup", "email", "jo@example.com", "password", fresh); p.status != http.StatusForbidden {
			t.Errorf("%s: the form: got %d", mode, p.status)
		}
		for _, path := range []string{"/login", "/"} {
			if p := v.get(path); strings.Contains(p.body, "/signup") {
				t.Errorf("%s: %s leads there", mode, path)
			}
		}
	}
	s.settle("default", storage.TenantSettings{SignUp: storage.SignUpSettings{EmailDomains: []string{"example.com",
		"xn--bcher-kva.example"}}})
	for email, ok := range map[string]bool{
		"jo@example.com": true, "jo@EXAMPLE.com": true, "jo@bücher.example": true,
		"jo@sub.example.com": false, "jo@notexample.com": false, "jo@example.com.evil.example": false,
		"jo@example.org": false, "example.com@evil.example": false,
	} {
		p := s.visitor().signUp(email)
		if (p.leads() != "") != ok {
			t.Errorf("%s: got %d, %q", email, p.status, alertOf(p))
		}
	}
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.settle("default", storage.TenantSettings{SignUp: storage.SignUpSettings{Mode: storage.SignUpInvitation,
		EmailDomains: []string{"corp.example"}}})
	invite := func(email string) smtptest.Message {
		t.Helper()
		r := s.asked(storage.TenantSettings{})
		inv, err := s.login.invitations.Invite(t.Context(), s.login.askerOf(r), invitations.Wanted{Email: email})
		if err != nil {
			t.Fatal(err)
		}
		got := s.mails.Next(t, email)
		if got.Link != inv.Link {
			t.Errorf("the mail leads to %s, want %s", got.Link, inv.Link)
		}
		return got
	}
	old := invite("jo@example.com")
	m := invite("jo@example.com")
	v := s.visitor()
	for range 2 {
		if p := v.get(v.path(m)); p.status != http.StatusOK || !strings.Contains(p.body, "jo@example.com") {
			t.Fatalf("got %d", p.status)
		}
	}
	if p := v.get(v.path(old)); p.status != http.StatusBadRequest {
		t.Errorf("one that a newer took the place of: got %d", p.status)
	}
	if p := v.post("/signup", "invitation", tokenOf(m), "password", "short"); p.status != http.StatusUnprocessableEntity ||
		!strings.Contains(p.body, "jo@example.com") {
		t.Errorf("a bad password: got %d", p.status)
	}
	// The address is the one that was invited, whatever the form says.
	if p := v.post("/signup", "invitation", tokenOf(m), "email", "evil@example.com", "password", fresh); p.leads() != "/" {
		t.Fatalf("got %d, %q", p.status, alertOf(p))
	}
	if _, err := s.store.UserByEmail(t.Context(), "default", "jo@example.com"); err != nil {
		t.Error(err)
	}
	if p := v.post("/signup", "invitation", tokenOf(m), "password", fresh); p.status != http.StatusBadRequest {
		t.Errorf("accepted twice: got %d", p.status)
	}
	late := invite("kim@example.com")
	s.user("default", "kim@example.com", "", fresh)
	if p := v.get(v.path(late)); p.status != http.StatusConflict {
		t.Errorf("the page of an invitation whose address has an account: got %d", p.status)
	}
	if p := v.post("/signup", "invitation", tokenOf(late), "password", fresh); p.status != http.StatusConflict {
		t.Errorf("a user who has an account: got %d", p.status)
	}
	last := invite("mo@example.com")
	s.settle("default", storage.TenantSettings{SignUp: storage.SignUpSettings{Mode: storage.SignUpClosed}})
	if p := v.get(v.path(last)); p.status != http.StatusForbidden {
		t.Errorf("closed meanwhile: got %d", p.status)
	}
}

// TestSigningUpWithoutPasswords: where users sign in in other ways, none is asked for.
func TestSigningUpWithoutPasswords(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{storage.MethodPasskey}}})
	v := s.visitor()
	if p := v.get("/signup"); p.status != http.StatusOK || strings.Contains(p.body, `name="password"`) {
		t.Fatalf("got %d, asks for a password: %v", p.status, strings.Contains(p.body, `name="password"`))
	}
	flow(t, v.signUp("jo@example.com"))
	m := s.mails.Next(t, "jo@example.com")
	other := s.visitor()
	if p := other.get(other.path(m)); strings.Contains(p.body, `name="password"`) {
		t.Error("the link asks for a password")
	}
	if p := other.post("/signup/confirm", "token", tokenOf(m)); p.leads() != "/" {
		t.Fatalf("got %d: %s", p.status, alertOf(p))
	}
	user, cred, err := s.store.UserPassword(t.Context(), "default", "jo@example.com")
	if err != nil || cred.Data != nil || !user.EmailVerified {
		t.Errorf("got %+v with a password %v, %v", user, cred.Data != nil, err)
	}
}

// TestNothingIsPromisedThatIsNotSent: without a way to send mails there are no such pages.
func TestNothingIsPromisedThatIsNotSent(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.login.Mail.Wake = nil
	v := s.visitor()
	for path, want := range map[string]int{"/signup": http.StatusForbidden, "/forgot": http.StatusNotFound} {
		if p := v.get(path); p.status != want {
			t.Errorf("%s: got %d, want %d", path, p.status, want)
		}
	}
	if p := v.get("/login"); strings.Contains(p.body, "/signup") || strings.Contains(p.body, "/forgot") {
		t.Error("the sign-in page leads there")
	}
}
