package login

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// rules sets the default tenant's settings, before a request needs them.
func (s *site) rules(change func(*storage.TenantSettings)) {
	s.t.Helper()
	rec, err := s.store.Tenant(s.t.Context(), storage.DefaultTenant)
	if err != nil {
		s.t.Fatal(err)
	}
	change(&rec.Settings)
	if err := s.store.UpdateTenant(s.t.Context(), rec); err != nil {
		s.t.Fatal(err)
	}
}

// phone is a user's, with their authenticator app.
type phone struct {
	*site
	user   storage.User
	secret string
	codes  []string // recovery codes
}

// enrolled adds a user who has a second factor.
func (s *site) enrolled(email string) *phone {
	s.t.Helper()
	u := s.user(storage.DefaultTenant, email, "", right)
	u.EmailVerified = true
	if err := storagetest.UpdateUser(s.t.Context(), s.store, u); err != nil {
		s.t.Fatal(err)
	}
	app, now := factor.NewTOTP(), time.Now()
	codes, left := factor.NewRecovery(u.ID)
	s.change(u, storage.Change{Credentials: []storage.Credential{
		{Kind: storage.TOTPCredential, Data: s.sealTOTP(u, app), CreatedAt: now, UpdatedAt: now},
		{Kind: storage.RecoveryCredential, Data: s.sealRecovery(u, left), CreatedAt: now, UpdatedAt: now},
	}})
	return &phone{s, u, app.Text(), codes}
}

func (s *site) change(u storage.User, ch storage.Change) {
	s.t.Helper()
	ch.TenantID, ch.UserID, ch.Now = u.TenantID, u.ID, time.Now()
	if err := s.store.Apply(s.t.Context(), ch); err != nil {
		s.t.Fatal(err)
	}
}

// shows is what the app shows now.
func (a *phone) shows() string {
	a.t.Helper()
	code, err := totp.GenerateCode(a.secret, time.Now())
	if err != nil {
		a.t.Fatal(err)
	}
	return code
}

// waits stands for the half minute until the app shows a code that was not used.
func (a *phone) waits() {
	a.t.Helper()
	cred, err := a.store.Credential(a.t.Context(), a.user.TenantID, a.user.ID, storage.TOTPCredential, "")
	if err != nil {
		a.t.Fatal(err)
	}
	now := a.openTOTP(a.user, cred)
	unused, err := factor.ParseTOTP(append(make([]byte, 8), now.Bytes()[8:]...))
	if err != nil {
		a.t.Fatal(err)
	}
	was := cred.Data
	cred.Data = a.sealTOTP(a.user, unused)
	a.change(a.user, storage.Change{Swap: []storage.CredentialSwap{{Credential: cred, Was: was}}})
}

// wrong is a code that the app shows neither now nor around now.
func (a *phone) wrong() string {
	a.t.Helper()
	for guess := range 10 {
		code := strings.Repeat(string(rune('0'+guess)), 6)
		near := false
		for step := -2; step <= 2; step++ {
			is, err := totp.GenerateCode(a.secret, time.Now().Add(time.Duration(step)*30*time.Second))
			near = near || err != nil || is == code
		}
		if !near {
			return code
		}
	}
	a.t.Fatal("all codes are right")
	return ""
}

// session is the browser's session, or the zero one.
func (v *visitor) session() storage.Session {
	v.t.Helper()
	id, _, _ := strings.Cut(v.cookie("session"), ".")
	sess, _, err := v.store.Session(v.t.Context(), storage.DefaultTenant, id, time.Now())
	if err != nil {
		return storage.Session{}
	}
	return sess
}

// ages lets the session's sign-in lie back.
func (v *visitor) ages(d time.Duration) {
	v.t.Helper()
	sess := v.session()
	sess.AuthTime = sess.AuthTime.Add(-d)
	if err := storagetest.RenewSession(v.t.Context(), v.store, sess, sess.SecretHash); err != nil {
		v.t.Fatal(err)
	}
}

// leads checks where an answer leads.
func (v *visitor) leads(p answer, where string) answer {
	v.t.Helper()
	if p.leads() != where {
		v.t.Fatalf("got %d to %q, want 303 to %q", p.status, p.location(), where)
	}
	return p
}

var (
	setupField = regexp.MustCompile(`name="setup" value="([^"]*)"`)
	secretText = regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`)
	codeText   = regexp.MustCompile(`<li><code>([0-9a-z-]+)</code></li>`)
	hiddenID   = regexp.MustCompile(`name="session" value="([^"]*)"`)
)

// setsUp fills in the page that sets up an app, which p shows, and gives what comes.
func (v *visitor) setsUp(u storage.User, path string, p answer, more ...string) (*phone, answer) {
	v.t.Helper()
	setup, secret := setupField.FindStringSubmatch(p.body), secretText.FindStringSubmatch(p.body)
	if p.status != http.StatusOK || setup == nil || secret == nil {
		v.t.Fatalf("got %d, and no secret to set up", p.status)
	}
	a := &phone{v.site, u, strings.ReplaceAll(secret[1], " ", ""), nil}
	done := v.seesCodes(v.post(path, append([]string{"setup", setup[1], "code", a.shows()}, more...)...))
	for _, m := range codeText.FindAllStringSubmatch(done.body, -1) {
		a.codes = append(a.codes, m[1])
	}
	return a, done
}

// does presses a button of the account's page about second factors.
func (v *visitor) does(what string, more ...string) answer {
	v.t.Helper()
	p := v.get("/account/second-factor")
	id := hiddenID.FindStringSubmatch(p.body)
	if id == nil {
		id = []string{"", ""}
	}
	return v.seesCodes(v.post("/account/second-factor", append([]string{"do", what, "session", id[1]}, more...)...))
}

func hasKind(t testing.TB, s *site, u storage.User, kind string) bool {
	t.Helper()
	creds, err := s.store.CredentialsOf(t.Context(), u.TenantID, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range creds {
		if c.Kind == kind {
			return true
		}
	}
	return false
}
