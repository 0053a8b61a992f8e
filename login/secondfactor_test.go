package login

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestThePasswordIsHalfTheSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	q := s.ask("", storage.Interaction{})
	v := s.visitor()
	v.get("/login?" + q)
	v.leads(v.post("/login", "i", "letter-1", "login", "jo@example.com", "password", right), "/second-factor?"+q)
	if v.cookie("session") != "" {
		t.Error("there is a session before the second factor")
	}
	p := v.get("/second-factor?" + q)
	for _, want := range []string{"jo@example.com", "to continue to app", "Six digits"} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if p := v.post("/second-factor", "i", "letter-1", "code", jo.wrong()); p.status != http.StatusUnprocessableEntity ||
		!strings.Contains(p.body, "That code is wrong") {
		t.Errorf("wrong code: got %d %s", p.status, alertOf(p))
	}
	v.leads(v.post("/second-factor", "i", "letter-1", "code", jo.shows()), "/authorize?"+q)
	got := v.session()
	if got.UserID != jo.user.ID || got.ACR != storage.ACRMultiFactor ||
		!cmp.Equal(got.AMR, []string{"pwd", "otp", "mfa"}) {
		t.Errorf("got session %+v", got)
	}
	if v.cookie("pending") != "" {
		t.Error("the first proof is still waiting")
	}
}

// A13: with half a sign-in, no address leads on.
func TestNoAddressSkipsTheSecondFactor(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.PerFactor = limit.Rule{Max: 100, Window: time.Minute} })
	jo := s.enrolled("jo@example.com")
	q := s.ask("", storage.Interaction{})
	v := s.visitor()
	v.get("/login?" + q)
	v.post("/login", "i", "letter-1", "login", "jo@example.com", "password", right)
	for _, path := range []string{"/", "/login", "/select", "/consent?" + q, "/account/second-factor",
		"/account/second-factor/app", "/second-factor/setup?" + q, "/authorize?" + q} {
		p := v.get(path)
		if strings.Contains(p.body, "jo@example.com") || strings.Contains(p.body, "otpauth") || v.cookie("session") != "" {
			t.Errorf("%s: shows the account: %d", path, p.status)
		}
	}
	for _, fields := range [][]string{
		{}, {"code", ""}, {"code", "", "kind", "recovery"}, {"kind", "recovery"}, {"code", "000000", "kind", "passkey"},
		{"remember", "1"}, {"code", jo.wrong(), "remember", "1"},
	} {
		p := v.post("/second-factor", append(fields, "i", "letter-1")...)
		if p.status != http.StatusUnprocessableEntity && p.location() != "/second-factor?"+q {
			t.Errorf("%v: got %d to %q", fields, p.status, p.location())
		}
	}
	// Nor can a factor be put in the place of the one that is missing.
	if p := v.post("/second-factor/setup", "i", "letter-1", "setup", s.sealSetup(jo.user, factor.NewTOTP(), time.Now()),
		"code", jo.shows()); p.location() != "/second-factor?"+q {
		t.Errorf("set-up: got %d to %q", p.status, p.location())
	}
	if v.cookie("session") != "" || v.cookie("remembered") != "" {
		t.Error("signed in without the second factor")
	}
}

// The proof waits in one browser, for one request, until something changes.
func TestHalfASignInIsBoundToWhereItBegan(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	q, other := s.ask("", storage.Interaction{}), s.ask("", storage.Interaction{})
	half := func(email string) *visitor {
		v := s.visitor()
		v.get("/login?" + q)
		v.leads(v.post("/login", "i", "letter-1", "login", email, "password", right), "/second-factor?"+q)
		return v
	}
	v := half("jo@example.com")
	v.leads(v.get("/second-factor?"+other), "/login?"+other)
	v.leads(v.get("/second-factor"), "/login")

	thief := s.visitor()
	thief.get("/login?" + q)
	thief.plant(&http.Cookie{Name: "vouchsafe-pending", Value: v.cookie("pending"), Path: "/"})
	thief.leads(thief.post("/second-factor", "i", "letter-1", "code", jo.shows()), "/login?"+q)

	for _, forged := range []string{"", "x", v.cookie("pending")[1:], v.cookie("browser")} {
		w := s.visitor()
		w.get("/login?" + q)
		w.plant(&http.Cookie{Name: "vouchsafe-pending", Value: forged, Path: "/"})
		w.leads(w.get("/second-factor?"+q), "/login?"+q)
	}

	for name, change := range map[string]func(u storage.User) storage.Change{
		"password": func(storage.User) storage.Change { return storage.Change{Raise: true} },
		"disabled": func(u storage.User) storage.Change { u.Disabled = true; return storage.Change{Update: &u} },
		"removed":  func(storage.User) storage.Change { return storage.Change{Remove: true} },
	} {
		jo := s.enrolled(name + "@example.com")
		v := half(jo.user.Email)
		s.change(jo.user, change(jo.user))
		v.leads(v.post("/second-factor", "i", "letter-1", "code", jo.shows()), "/login?"+q)
		if v.cookie("session") != "" {
			t.Errorf("%s: signed in", name)
		}
	}
}

// H10: each code works once, also when sent at once.
func TestACodeOfTheAppSignsInOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.PerFactor = limit.Rule{Max: 100, Window: time.Minute} })
	jo := s.enrolled("jo@example.com")
	code := jo.shows()
	in := s.visitor()
	in.leads(in.signIn("jo@example.com", right), "/second-factor")
	in.leads(in.post("/second-factor", "code", code), "/")
	again := s.visitor()
	again.signIn("jo@example.com", right)
	if p := again.post("/second-factor", "code", code); p.status != http.StatusUnprocessableEntity {
		t.Errorf("used again: got %d", p.status)
	}

	for name, fields := range map[string]func() []string{
		"code of the app": func() []string { jo.waits(); return []string{"code", jo.shows()} },
		"recovery code":   func() []string { return []string{"kind", "recovery", "code", jo.codes[0]} },
	} {
		fields := fields()
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			v := s.visitor()
			v.signIn("jo@example.com", right)
			req := v.request("/second-factor", fields...)
			wg.Go(func() {
				resp, err := v.client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				if s.outcome(resp) == "/" {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d of 8 browsers got in by it, want 1", name, won.Load())
		}
	}
}

// H10: recovery codes once each; what is used is told by mail.
func TestRecoveryCodesStandInForTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	v := s.visitor()
	v.signIn("jo@example.com", right)
	if p := v.get("/second-factor?recovery=1"); !strings.Contains(p.body, `name="kind" value="recovery"`) {
		t.Error("the page does not ask for a recovery code")
	}
	v.leads(v.post("/second-factor", "kind", "recovery", "code", " "+strings.ToUpper(jo.codes[3])), "/")
	if got := v.session(); !cmp.Equal(got.AMR, []string{"pwd", "otp", "mfa"}) {
		t.Errorf("got session %+v", got)
	}
	s.mails.Next(t, "jo@example.com")
	w := s.visitor()
	w.signIn("jo@example.com", right)
	if p := w.post("/second-factor", "kind", "recovery", "code", jo.codes[3]); p.status != http.StatusUnprocessableEntity {
		t.Errorf("used again: got %d", p.status)
	}
	if p := w.post("/second-factor", "code", jo.codes[4]); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a recovery code as the app's: got %d", p.status)
	}
	w.leads(w.post("/second-factor", "kind", "recovery", "code", jo.codes[4]), "/")
}

// H10: guesses are counted for each account, over all sign-ins that got as far, and those
// of an attacker do not keep out the owner.
func TestGuessesAtTheSecondFactorAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	known := s.visitor()
	known.signIn("jo@example.com", right)
	known.leads(known.post("/second-factor", "code", jo.shows()), "/")

	tried := 0
	for range 4 { // browsers
		v := s.visitor()
		v.signIn("jo@example.com", right)
		for range 3 {
			p := v.post("/second-factor", "code", jo.wrong())
			switch p.status {
			case http.StatusUnprocessableEntity:
				tried++
			case http.StatusTooManyRequests:
				if p.header.Get("Retry-After") == "" || !strings.Contains(p.body, "Too many attempts") {
					t.Errorf("got %v", p.header)
				}
			default:
				t.Fatalf("got %d", p.status)
			}
		}
		jo.waits()
		if tried == 5 {
			if p := v.post("/second-factor", "code", jo.shows()); p.status != http.StatusTooManyRequests {
				t.Errorf("the right code after too many wrong ones: got %d, want 429", p.status)
			}
			if p := v.post("/second-factor", "kind", "recovery", "code", jo.codes[0]); p.status != http.StatusTooManyRequests {
				t.Errorf("a recovery code after them: got %d, want 429", p.status)
			}
		}
	}
	if tried != 5 {
		t.Errorf("%d guesses were judged, want 5", tried)
	}
	known.signIn("jo@example.com", right)
	known.leads(known.post("/second-factor", "code", jo.shows()), "/")
}

// A client that wants more of a user who is signed in asks for what is missing only,
// and nothing of the session is lost but its secret (H1).
// H10: browsers in which the password alone signed in have no counters of their own, or
// an attacker who knows it could have as many as they like.
func TestGuessesFromBrowsersWithoutTheFactorAreCountedTogether(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	s.rules(func(r *storage.TenantSettings) { r.SecondFactor.Require = storage.SecondFactorNever })
	tried := 0
	const next = "/account/second-factor"
	for range 3 {
		v := s.visitor()
		v.leads(v.signIn("jo@example.com", right), "/")
		v.get("/second-factor?next=" + next)
		for range 3 {
			if p := v.post("/second-factor", "next", next, "code", jo.wrong()); p.status == http.StatusUnprocessableEntity {
				tried++
			} else if p.status != http.StatusTooManyRequests {
				t.Fatalf("got %d to %q", p.status, p.location())
			}
		}
	}
	if tried != 5 {
		t.Errorf("%d guesses were looked at, want 5", tried)
	}
}

func TestSteppingUpAsksForTheSecondFactorOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.rules(func(r *storage.TenantSettings) { r.SecondFactor.Require = storage.SecondFactorNever })
	jo := s.enrolled("jo@example.com")
	v := s.visitor()
	v.leads(v.signIn("jo@example.com", right), "/") // the tenant asks for nothing
	before, cookie := v.session(), v.cookie("session")
	v.ages(time.Hour)
	q := s.ask("", storage.Interaction{ACR: storage.ACRMultiFactor})
	p := v.get("/second-factor?" + q)
	if p.status != http.StatusOK || strings.Contains(p.body, `type="password"`) ||
		strings.Contains(p.body, `name="remember"`) {
		t.Fatalf("got %d, or a page that asks for more than the code", p.status)
	}
	v.leads(v.post("/second-factor", "i", "letter-1", "code", jo.shows()), "/authorize?"+q)
	after := v.session()
	if after.ID != before.ID || after.ACR != storage.ACRMultiFactor ||
		!cmp.Equal(after.AMR, []string{"pwd", "otp", "mfa"}) || time.Since(after.AuthTime) < 59*time.Minute {
		t.Errorf("got session %+v", after)
	}
	old := s.visitor()
	old.plant(&http.Cookie{Name: "vouchsafe-session", Value: cookie, Path: "/"})
	if old.get("/account/second-factor").status == http.StatusOK || v.cookie("session") == cookie {
		t.Error("the cookie from before the step still works")
	}
	v.leads(v.get("/second-factor?"+q), "/authorize?"+q) // nothing is missing any more
	if e := s.events("default")[0]; e.Kind != "login.raised" || e.UserID != jo.user.ID {
		t.Errorf("got event %+v", e)
	}
	// A key that signs for us alone is more than a code can give.
	strong := s.ask("", storage.Interaction{ACR: storage.ACRPhishingResistant})
	if p := v.get("/second-factor?" + strong); !strings.Contains(p.body, "needs a stronger way to sign in") ||
		strings.Contains(p.body, `name="code"`) {
		t.Errorf("got %d", p.status)
	}
}

func TestClientsAndTenantsSayWhenASecondFactorIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tenant, client string
		has, want      bool
	}{
		"default, who has one":               {"", "", true, true},
		"default, who has none":              {"", "", false, false},
		"never":                              {storage.SecondFactorNever, "", true, false},
		"never, but the client asks":         {storage.SecondFactorNever, storage.SecondFactorEnrolled, true, true},
		"never, the client asks, none there": {storage.SecondFactorNever, storage.SecondFactorEnrolled, false, false},
		"the client can ask for more only":   {storage.SecondFactorEnrolled, storage.SecondFactorNever, true, true},
		"the client always asks":             {"", storage.SecondFactorAlways, false, true},
		"always":                             {storage.SecondFactorAlways, "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			s.rules(func(r *storage.TenantSettings) { r.SecondFactor.Require = tc.tenant })
			if tc.has {
				s.enrolled("jo@example.com")
			} else {
				s.user("default", "jo@example.com", "", right)
			}
			q := s.ask("", storage.Interaction{Client: storage.Client{ClientID: "app", SecondFactor: tc.client}})
			v := s.visitor()
			v.get("/login?" + q)
			p := v.post("/login", "i", "letter-1", "login", "jo@example.com", "password", right)
			if got := strings.HasPrefix(p.location(), "/second-factor?"); got != tc.want || got == (v.cookie("session") != "") {
				t.Errorf("led to %q, session %q", p.location(), v.cookie("session"))
			}
		})
	}
}

func TestPendingSignInsEndAfterTenMinutes(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	v := s.visitor()
	v.signIn("jo@example.com", right)
	// What was sealed eleven minutes ago.
	v.plant(&http.Cookie{Name: "vouchsafe-pending",
		Value: s.proofOf(jo.user, v.cookie("browser"), time.Now().Add(-11*time.Minute)), Path: "/"})
	v.leads(v.get("/second-factor"), "/login")
	v.plant(&http.Cookie{Name: "vouchsafe-pending",
		Value: s.proofOf(jo.user, v.cookie("browser"), time.Now().Add(-9*time.Minute)), Path: "/"})
	if got := v.get("/second-factor"); got.status != http.StatusOK {
		t.Errorf("after nine minutes: got %d", got.status)
	}
	if people.PendingLife != 10*time.Minute {
		t.Errorf("got %v", people.PendingLife)
	}
}

// Whichever way a user came first, what is missing is asked for: by a code that was
// mailed, from a provider whose own factors count for nothing here, or by a key that did
// not verify its owner.
func TestEveryWayOfSigningInIsHalfOfIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	for _, amr := range [][]string{{"otp"}, {"fed"}, {"pwd"}, {"hwk"}} {
		v := s.as(jo.user, amr...)
		if v.cookie("session") != "" || v.cookie("pending") == "" {
			t.Errorf("%v: signed in", amr)
		}
		jo.waits()
		v.get("/second-factor")
		v.leads(v.post("/second-factor", "code", jo.shows()), "/")
		if got := v.session(); !storage.ReachesACR(got.ACR, storage.ACRMultiFactor) || got.AMR[0] != amr[0] {
			t.Errorf("%v: got session %+v", amr, got)
		}
	}
	for _, amr := range [][]string{{"fed", "mfa"}, {"hwk", "user", "mfa"}} {
		if v := s.as(jo.user, amr...); v.cookie("session") == "" ||
			!storage.ReachesACR(v.session().ACR, storage.ACRMultiFactor) {
			t.Errorf("%v: asked for more", amr)
		}
	}
}
