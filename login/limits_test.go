package login

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
)

func TestGuessesAtAnAccountAreLimitedHoweverFastTheyCome(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.PerAccount = limit.Rule{Max: 5, Window: time.Minute}
		c.PerAddress = limit.Rule{Max: 1000, Window: time.Minute}
	})
	s.user("default", "jo@example.com", "jo", right)
	for _, names := range [][]string{{"jo@example.com", "jo", "JO", " Jo@EXAMPLE.com"}, {"nobody@example.com", "NOBODY@example.com"}} {
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
				switch resp.StatusCode {
				case http.StatusUnprocessableEntity:
					wrong.Add(1)
				case http.StatusTooManyRequests:
					limited.Add(1)
					if resp.Header.Get("Retry-After") != "60" {
						t.Errorf("got Retry-After %q, want 60", resp.Header.Get("Retry-After"))
					}
				default:
					other.Add(1)
				}
			})
		}
		wg.Wait()
		if wrong.Load() != 5 || limited.Load() != 95 {
			t.Errorf("%s: got %d evaluated, %d refused, %d other, want 5, 95, 0", names[0], wrong.Load(), limited.Load(), other.Load())
		}
	}
	if p := s.visitor().signIn("jo", right); p.status != http.StatusTooManyRequests {
		t.Errorf("the right password after the limit: got %d, want 429", p.status)
	}
}

func TestStrangersCannotLockAnybodyOut(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.PerAccount = limit.Rule{Max: 3, Window: time.Hour}
		c.PerDevice = limit.Rule{Max: 3, Window: time.Hour}
	})
	s.user("default", "jo@example.com", "", right)
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
		if p := home.signIn("jo@example.com", right); p.status != http.StatusSeeOther {
			t.Fatalf("the owner's browser: got %d, want 303", p.status)
		}
	}
	for range 3 {
		home.signIn("jo@example.com", "wrong battery horse")
	}
	if p := home.signIn("jo@example.com", right); p.status != http.StatusTooManyRequests {
		t.Errorf("the owner's browser after its own guesses: got %d, want 429", p.status)
	}
	// What another account's browser says of itself does not open this one's counter.
	forged := s.visitor()
	id, _, _ := strings.Cut(home.cookie("device"), ".")
	_, tags, _ := strings.Cut(stranger.cookie("device"), ".")
	for _, value := range []string{home.cookie("device") + "x", id + "." + tags, id, id + ".", "." + tags, strings.Repeat("a.", 2000)} {
		forged.get("/login")
		req := forged.request("/login", "login", "jo@example.com", "password", right)
		req.AddCookie(&http.Cookie{Name: "vouchsafe-device", Value: value})
		if p := forged.do(req); p.status != http.StatusTooManyRequests {
			t.Errorf("device %.60q: got %d, want 429", value, p.status)
		}
	}
}

func TestAttemptsFromAnAddressAreLimited(t *testing.T) {
	s := newSite(t, func(c *Config) { c.PerAddress = limit.Rule{Max: 5, Window: time.Minute} })
	s.user("default", "jo@example.com", "", right)
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
}

// TestAttemptsOverAllAreLimited: H8, a list of names and passwords from many addresses.
func TestAttemptsOverAllAreLimited(t *testing.T) {
	s := newSite(t, func(c *Config) { c.PerTenant = limit.Rule{Max: 5, Window: time.Minute} })
	s.user("default", "jo@example.com", "", right)
	home := s.visitor()
	home.signIn("jo@example.com", right)
	for i := range 6 {
		p := s.visitor().signIn("u"+strings.Repeat("x", i)+"@example.com", right)
		if want := map[bool]int{true: http.StatusUnprocessableEntity, false: http.StatusTooManyRequests}[i < 4]; p.status != want {
			t.Errorf("attempt %d: got %d, want %d", i+1, p.status, want)
		}
	}
	if p := home.signIn("jo@example.com", right); p.status != http.StatusSeeOther {
		t.Errorf("a browser that is known: got %d", p.status)
	}
}

// TestWaitsForAnAccountGrow: H7, that a lock is short at first and never long.
func TestWaitsForAnAccountGrow(t *testing.T) {
	s := newSite(t, nil)
	for _, rule := range []limit.Rule{s.login.PerAccount, s.login.PerDevice} {
		if rule.Window > time.Minute || rule.Longest <= rule.Window || rule.Longest > 15*time.Minute {
			t.Errorf("got %+v", rule)
		}
	}
}
