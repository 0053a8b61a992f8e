package login

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/limit"
)

func TestGuessesAtAnAccountAreLimitedHoweverFastTheyCome(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) {
		c.PerAccount = limit.Rule{Max: 5, Window: time.Minute}
		c.PerAddress = limit.Rule{Max: 1000, Window: time.Minute}
	})
	s.user("default", "jo@example.com", "jo", right)
	for _, names := range [][]string{{"jo@example.com", "JO@example.com", " Jo@EXAMPLE.com"},
		{"nobody@example.com", "NOBODY@example.com"}} {
		v := s.visitor()
		v.get("/login")
		var wrong, limited, other atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			req := v.request("/login", "login", names[i%len(names)], "password", "wrong battery horse")
			wg.Go(func() {
				resp, err := v.client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				switch refused := s.refusal(resp); refused.Status {
				case http.StatusUnprocessableEntity:
					wrong.Add(1)
				case http.StatusTooManyRequests:
					limited.Add(1)
					if refused.Wait.Round(time.Second) != time.Minute {
						t.Errorf("got a pause of %s, want a minute", refused.Wait)
					}
				default:
					other.Add(1)
				}
			})
		}
		wg.Wait()
		if wrong.Load() != 5 || limited.Load() != 95 {
			t.Errorf("%s: got %d evaluated, %d refused, %d other, want 5, 95, 0", names[0], wrong.Load(),
				limited.Load(), other.Load())
		}
	}
	if p := s.visitor().signIn("jo@example.com", right); p.status != http.StatusTooManyRequests {
		t.Errorf("the right password after the limit: got %d, want 429", p.status)
	}
}

// TestWhatIsShownDependsOnTheNameAlone: H4. Guesses at one name of an account, and then at
// another, look like guesses at two accounts, or at none; all the same no sixth is compared.
func TestWhatIsShownDependsOnTheNameAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "jo", right)
	shown := func(names ...string) (all []string) {
		for _, name := range names {
			for i := range 7 {
				secret := "wrong battery horse"
				if i == 3 && name == names[1] {
					secret = right
				}
				p := s.visitor().signIn(name, secret)
				all = append(all, fmt.Sprint(p.status, " ", p.header.Get("Retry-After"), " ", alertOf(p)))
			}
		}
		return all
	}
	one, two := shown("jo@example.com", "jo"), shown("no@example.com", "no")
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("two names of an account, and of none, differ:\n%s", diff)
	}
	compared := 0
	for _, e := range s.events("default") {
		if e.UserID != "" && e.Detail["reason"] == "password" {
			compared++
		}
	}
	if compared != 5 {
		t.Errorf("%d guesses at the account were compared, want 5", compared)
	}
}

func TestStrangersCannotLockUsersOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) {
		c.PerAccount = limit.Rule{Max: 3, Window: time.Hour}
		c.PerDevice = limit.Rule{Max: 3, Window: time.Hour}
	})
	s.user("default", "jo@example.com", "jo", right)
	s.user("default", "mo@example.com", "", right)
	home := s.visitor()
	home.signIn("jo@example.com", right)
	home.signIn("mo@example.com", right) // a browser is known for several accounts
	stranger := s.visitor()
	stranger.signIn("mo@example.com", right) // and a stranger's for their own
	for range 4 {
		stranger.signIn("jo@example.com", "wrong battery horse")
	}
	if p := s.visitor().signIn("jo@example.com", right); p.status != http.StatusTooManyRequests {
		t.Errorf("another browser: got %d, want 429", p.status)
	}
	for range 5 { // proven each time, so never counted up
		if p := home.signIn("jo@example.com", right); p.leads() != "/" {
			t.Fatalf("the owner's browser: got %d, want 303", p.status)
		}
	}
	for range 3 {
		home.signIn("jo@example.com", "wrong battery horse")
	}
	if p := home.signIn("jo@example.com", right); p.status != http.StatusTooManyRequests {
		t.Errorf("the owner's browser after its own guesses: got %d, want 429", p.status)
	}
	// What is shown at the account's other names says nothing of it.
	if p := s.visitor().signIn("jo", right); p.status != http.StatusUnprocessableEntity {
		t.Errorf("under another name: got %d, want the answer to a wrong password", p.status)
	}
	// What another account's browser says of itself does not open this one's counter.
	forged := s.visitor()
	id, _, _ := strings.Cut(home.cookie("device"), ".")
	_, tags, _ := strings.Cut(stranger.cookie("device"), ".")
	for _, value := range []string{home.cookie("device") + "x", id + "." + tags, id, id + ".", "." + tags,
		strings.Repeat("a.", 2000)} {
		forged.get("/login")
		req := forged.request("/login", "login", "jo@example.com", "password", right)
		req.AddCookie(&http.Cookie{Name: "vouchsafe-device", Value: value})
		if p := forged.do(req); p.status != http.StatusTooManyRequests {
			t.Errorf("device %.60q: got %d, want 429", value, p.status)
		}
	}
}

func TestAttemptsFromAnAddressAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.PerAddress = limit.Rule{Max: 5, Window: time.Minute} })
	s.user("default", "jo@example.com", "", right)
	home := s.visitor()
	home.signIn("jo@example.com", right)
	v := s.visitor()
	v.get("/login")
	for i := range 7 {
		req := v.request("/login", "login", "u"+strings.Repeat("x", i), "password", "wrong battery horse")
		req.Header.Set("X-Forwarded-For", "192.0.2."+strings.Repeat("1", i%3+1)) // not believed
		want := http.StatusUnprocessableEntity
		if i >= 5 {
			want = http.StatusTooManyRequests
		}
		if p := v.do(req); p.status != want {
			t.Errorf("attempt %d: got %d, want %d", i+1, p.status, want)
		}
	}
	if p := s.visitor().signIn("jo@example.com", right); p.status != http.StatusTooManyRequests {
		t.Errorf("another browser there: got %d, want 429", p.status)
	}
	if p := home.signIn("jo@example.com", right); p.leads() != "/" {
		t.Errorf("the owner's browser there: got %d", p.status)
	}
}

// TestRightSignInsTakeNothing: as many people as there are may share an address, until one
// person alone signs in without end.
func TestRightSignInsTakeNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) {
		c.PerAddress = limit.Rule{Max: 3, Window: time.Hour}
		c.PerTenant = limit.Rule{Max: 3, Window: time.Hour}
		c.PerPerson = limit.Rule{Max: 20, Window: time.Hour}
	})
	s.user("default", "jo@example.com", "", right)
	for i := range 20 {
		if p := s.visitor().signIn("jo@example.com", right); p.leads() != "/" {
			t.Fatalf("sign-in %d: got %d", i+1, p.status)
		}
	}
	status := 0
	for range 4 {
		status = s.visitor().signIn("jo@example.com", right).status
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("one person signs in for ever: got %d", status)
	}
}

// TestUnguessableTokensAreNotCounted: nor do they keep a user from signing in.
func TestUnguessableTokensAreNotCounted(t *testing.T) {
	t.Parallel()
	s := byMail(t, func(c *Config) { c.PerAddress = limit.Rule{Max: 3, Window: time.Hour} })
	s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	for _, path := range []string{"/signup/confirm?token=x", "/reset?token=x", "/login/code/confirm?token=x",
		"/signup?invitation=x", "/reset?flow=x"} {
		for range 5 {
			if p := v.get(path); p.status != http.StatusBadRequest {
				t.Errorf("%s: got %d", path, p.status)
			}
		}
	}
	v.get("/login")
	for _, path := range []string{"/signup/confirm", "/reset", "/login/code/confirm"} {
		for range 5 {
			if p := v.post(path, "token", "x", "password", fresh); p.status == http.StatusTooManyRequests {
				t.Errorf("%s: got 429", path)
			}
		}
	}
	if p := s.visitor().signIn("jo@example.com", right); p.leads() != "/" {
		t.Errorf("signing in: got %d", p.status)
	}
	if n := len(s.events("default")); n > 20 {
		t.Errorf("%d lines of the audit trail: anybody can fill it", n)
	}
}

// TestAttemptsOverAllAreLimited: H8, a list of names and passwords from many addresses.
func TestAttemptsOverAllAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.PerTenant = limit.Rule{Max: 5, Window: time.Minute} })
	s.user("default", "jo@example.com", "", right)
	home := s.visitor()
	home.signIn("jo@example.com", right)
	for i := range 6 {
		p := s.visitor().signIn("u"+strings.Repeat("x", i)+"@example.com", right)
		if want := map[bool]int{true: http.StatusUnprocessableEntity,
			false: http.StatusTooManyRequests}[i < 5]; p.status != want {
			t.Errorf("attempt %d: got %d, want %d", i+1, p.status, want)
		}
	}
	if p := home.signIn("jo@example.com", right); p.leads() != "/" {
		t.Errorf("a browser that is known: got %d", p.status)
	}
}

// TestWaitsForAnAccountGrow: H7, that a lock is short at first and never long.
func TestWaitsForAnAccountGrow(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, rule := range []limit.Rule{s.login.PerAccount, s.login.PerDevice} {
		if rule.Window > time.Minute || rule.Longest <= rule.Window || rule.Longest > 15*time.Minute {
			t.Errorf("got %+v", rule)
		}
	}
}
