package limit

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
	"github.com/vouchsafe/vouchsafe/storage/memory"
)

var rule = Rule{Name: "test", Max: 3, Window: time.Minute}

// down is a store that does not answer.
type down struct{ ephemeral.Store }

func (down) Admit(context.Context, []ephemeral.Counter) (ephemeral.Admission, error) {
	return ephemeral.Admission{}, storage.ErrUnavailable
}
func (down) Release(context.Context, ephemeral.Release) error { return storage.ErrUnavailable }

func limiter(t *testing.T, shared, local ephemeral.Store) *Limiter {
	t.Helper()
	return &Limiter{Shared: shared, Local: local, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

func TestAttemptsAreAllowedUpToTheRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, l := range map[string]*Limiter{
			"shared":              limiter(t, memory.New(), memory.New()),
			"shared is not there": limiter(t, down{}, memory.New()),
		} {
			ctx := t.Context()
			for i := range 5 {
				time.Sleep(10 * time.Second)
				if wait, ok := l.Allow(ctx, "default", "", rule, "jo"); ok != (i < 3) || (wait > 0) == ok {
					t.Errorf("%s, attempt %d: got %v, %v", name, i+1, wait, ok)
				}
			}
			// Neither another subject, nor another tenant, nor another rule is touched.
			other := rule
			other.Name = "other"
			for _, test := range []struct {
				tenant  string
				rule    Rule
				subject string
			}{{"default", rule, "mo"}, {"acme", rule, "jo"}, {"default", other, "jo"}, {"default", rule, "JO"},
				{"default", rule, ""}} {
				if _, ok := l.Allow(ctx, test.tenant, "", test.rule, test.subject); !ok {
					t.Errorf("%s: %+v is refused", name, test)
				}
			}
			// The window is that of the first attempt: those that were refused do not
			// prolong it.
			time.Sleep(21 * time.Second)
			if _, ok := l.Allow(ctx, "default", "", rule, "jo"); !ok {
				t.Errorf("%s: refused after the window", name)
			}
			l.Allow(ctx, "default", "", rule, "jo")
			proven(t, l, rule, "jo")
			if _, ok := l.Allow(ctx, "default", "", rule, "jo"); !ok {
				t.Errorf("%s: refused after it was forgiven", name)
			}
		}
	})
}

func TestAttemptsAtOnceCount(t *testing.T) {
	for name, l := range map[string]*Limiter{"shared": limiter(t, memory.New(), memory.New()),
		"alone": limiter(t, down{}, memory.New())} {
		var allowed atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, ok := l.Allow(t.Context(), "default", "", rule, "jo"); ok {
					allowed.Add(1)
				}
			})
		}
		wg.Wait()
		if allowed.Load() != rule.Max {
			t.Errorf("%s: got %d of 100 at once, want %d", name, allowed.Load(), rule.Max)
		}
	}
}

func TestNothingIsAllowedThatCannotBeCounted(t *testing.T) {
	if wait, ok := limiter(t, down{}, down{}).Allow(t.Context(), "default", "", rule, "jo"); ok || wait <= 0 {
		t.Errorf("got %v, %v", wait, ok)
	}
}

// proven makes an attempt that succeeds.
func proven(t *testing.T, l *Limiter, rule Rule, subject string) {
	t.Helper()
	p, _, ok := l.Admit(t.Context(), "default", "", By{Rule: rule, Subject: subject, OnSuccess: Forgets})
	if !ok {
		t.Fatalf("%s is refused", subject)
	}
	p.Succeed(t.Context(), within)
}

// within bounds nothing.
var within = By{Rule: Rule{Name: "within", Max: 1 << 40, Window: time.Minute}, Subject: "jo"}

func TestWhatIsRefusedIsCountedNowhere(t *testing.T) {
	wide := Rule{Name: "wide", Max: 10, Window: time.Minute}
	for name, l := range map[string]*Limiter{"shared": limiter(t, memory.New(), memory.New()),
		"alone": limiter(t, down{}, memory.New())} {
		refused := 0
		for range 100 {
			if _, _, ok := l.Admit(t.Context(), "default", "", By{Rule: rule, Subject: "jo"}, By{Rule: wide}); !ok {
				refused++
			}
		}
		if refused != 97 {
			t.Errorf("%s: %d of 100 were refused, want 97", name, refused)
		}
		for i := range 7 {
			if _, ok := l.Allow(t.Context(), "default", "", wide, ""); !ok {
				t.Errorf("%s: attempt %d of others is refused", name, i+1)
			}
		}
	}
}

func TestRightAttemptsGiveBackWhatTheyTook(t *testing.T) {
	address, name := Rule{Name: "address", Max: 2, Window: time.Hour},
		Rule{Name: "name", Max: 2, Window: time.Hour, Longest: 2 * time.Hour}
	try := func(l *Limiter, subject string) (*Pass, bool) {
		p, _, ok := l.Admit(t.Context(), "default", "",
			By{Rule: address, Subject: "192.0.2.1", OnSuccess: GivesBack}, By{Rule: name, Subject: subject, OnSuccess: Forgets},
			By{Rule: rule, Subject: "stays"})
		return p, ok
	}
	few := By{Rule: Rule{Name: "few", Max: 2, Window: time.Hour}, Subject: "jo"}
	for kind, l := range map[string]*Limiter{"shared": limiter(t, memory.New(), memory.New()),
		"alone": limiter(t, down{}, memory.New())} {
		for range 3 {
			p, ok := try(l, "jo")
			if !ok {
				t.Fatalf("%s: a right attempt is refused", kind)
			}
			p.Succeed(t.Context(), few)
		}
		if _, ok := try(l, "jo"); ok { // Stays: three
			t.Errorf("%s: what is to stay was given back", kind)
		}
		if _, _, ok := l.Admit(t.Context(), "default", "", By{Rule: address, Subject: "192.0.2.1"},
			By{Rule: name, Subject: "jo"}); !ok {
			t.Errorf("%s: two right attempts were not given back", kind)
		}
		if _, _, ok := l.Admit(t.Context(), "default", "", By{Rule: address, Subject: "192.0.2.1"}); ok {
			t.Errorf("%s: more was given back than within allows", kind)
		}
		p, _, _ := l.Admit(t.Context(), "default", "", By{Rule: address, Subject: "192.0.2.2"})
		p.GiveBack(t.Context())
		for i := range 2 {
			if _, _, ok := l.Admit(t.Context(), "default", "", By{Rule: address, Subject: "192.0.2.2"}); !ok {
				t.Errorf("%s: attempt %d after one that was not looked at is refused", kind, i+1)
			}
		}
	}
}

// keys remembers what was counted.
type keys struct {
	ephemeral.Store
	seen []string
}

func (k *keys) Admit(_ context.Context, by []ephemeral.Counter) (ephemeral.Admission, error) {
	for _, c := range by {
		k.seen = append(k.seen, c.Key)
	}
	return ephemeral.Admission{By: -1, Counts: make([]int64, len(by)), Over: make([]bool, len(by))}, nil
}

func TestSubjectsAreNotStored(t *testing.T) {
	k := &keys{}
	l := limiter(t, k, memory.New())
	l.Allow(t.Context(), "default", "", rule, "jo@example.com")
	l.Allow(t.Context(), "default", "", rule, strings.Repeat("x", 1<<20))
	for _, key := range k.seen {
		if strings.Contains(key, "jo") || len(key) > 100 {
			t.Errorf("got key %.200q", key)
		}
	}
}

func TestSomeNetworksAreNotCounted(t *testing.T) {
	l := limiter(t, memory.New(), memory.New())
	l.Unlimited = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for address, want := range map[string]bool{
		"192.0.2.7": true, "2001:db8::1": true, "198.51.100.1": false, "2001:db9::1": false, "": false, "@": false,
	} {
		var last bool
		for range rule.Max + 1 {
			_, last = l.Allow(t.Context(), "default", address, rule, address)
		}
		if last != want {
			t.Errorf("%s: got %v, want %v", address, last, want)
		}
	}
}

func TestAddressesOfOneNetworkAreCountedTogether(t *testing.T) {
	for _, test := range []struct {
		ip   string
		want string
	}{
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"64:ff9b::c000:201", "192.0.2.1"},
		{"2001:db8:1:2345::1", "2001:db8:1::/48 2001:db8:1:2300::/56 2001:db8:1:2345::/64"},
		{"2001:db8:1:2345:ffff::1%eth0", "2001:db8:1::/48 2001:db8:1:2300::/56 2001:db8:1:2345::/64"},
		{"", ""}, {"@", "@"},
	} {
		var got []string
		for _, by := range Networks(test.ip, rule, Stays) {
			got = append(got, by.Subject)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q: got %q, want %q", test.ip, got, test.want)
		}
	}
	for ip, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8:1:2345::1": "2001:db8:1::/48", "": ""} {
		if got := Network(ip); got != want {
			t.Errorf("%q: got %q, want %q", ip, got, want)
		}
	}
}

func TestManyNetworksOfOneCustomerHaveFewAttempts(t *testing.T) {
	l := limiter(t, memory.New(), memory.New())
	allowed := func(format string, n int) (all int) {
		for i := range n {
			if _, _, ok := l.Admit(t.Context(), "default", "", Networks(fmt.Sprintf(format, i), rule, Stays)...); ok {
				all++
			}
		}
		return all
	}
	if got := allowed("2001:db8:1:1::%x", 50); got != 3 {
		t.Errorf("a /64 has %d attempts, want 3", got)
	}
	if got := allowed("2001:db8:2:1%02x::1", 200); got != 6 {
		t.Errorf("a /56 has %d attempts, want 6", got)
	}
	if got := allowed("2001:db8:3:%x::1", 5000); got != 12 {
		t.Errorf("a /48 has %d attempts, want 12", got)
	}
	if got := allowed("2001:db8:4:%x::1", 1); got != 1 {
		t.Error("another /48 is refused")
	}
}

func TestWaitsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		growing := Rule{Name: "test", Max: 3, Window: time.Minute, Longest: 5 * time.Minute}
		for name, l := range map[string]*Limiter{
			"shared":              limiter(t, memory.New(), memory.New()),
			"shared is not there": limiter(t, down{}, memory.New()),
		} {
			ctx := t.Context()
			useUp := func() (wait time.Duration) {
				t.Helper()
				for i := range 3 {
					if _, ok := l.Allow(ctx, "default", "", growing, "jo"); !ok {
						t.Fatalf("%s: attempt %d is refused", name, i+1)
					}
				}
				for range 50 { // many more make it no longer
					w, ok := l.Allow(ctx, "default", "", growing, "jo")
					if ok {
						t.Fatalf("%s: one too many", name)
					}
					wait = max(wait, w)
				}
				return wait
			}
			for i, want := range []time.Duration{1, 2, 4, 5, 5} {
				want *= time.Minute
				if got := useUp(); got != want {
					t.Errorf("%s, time %d: got %v, want %v", name, i+1, got, want)
				}
				time.Sleep(want - time.Second)
				if wait, ok := l.Allow(ctx, "default", "", growing, "jo"); ok || i > 0 && wait > time.Second {
					t.Errorf("%s, time %d: a second early: got %v, %v", name, i+1, wait, ok)
				}
				time.Sleep(time.Second + time.Millisecond)
			}
			if _, ok := l.Allow(ctx, "default", "", growing, "jo"); !ok {
				t.Fatalf("%s: refused after the longest wait", name)
			}
			proven(t, l, growing, "jo") // it begins anew
			if got := useUp(); got != time.Minute {
				t.Errorf("%s, forgiven: got %v", name, got)
			}
			time.Sleep(25 * time.Hour)
			if got := useUp(); got != time.Minute {
				t.Errorf("%s, a day later: got %v", name, got)
			}
		}
	})
}

// TestLiftingActsOnAllReplicas: what one lifts counts for the others, and it fails where it cannot.
func TestLiftingActsOnAllReplicas(t *testing.T) {
	t.Parallel()
	ctx, shared := t.Context(), memory.New()
	one, other := limiter(t, shared, memory.New()), limiter(t, shared, memory.New())
	for range 4 {
		one.Allow(ctx, "default", "", rule, "jo")
		one.Allow(ctx, "default", "", rule, "ann")
	}
	if err := other.Lift(ctx, "default", By{Rule: rule, Subject: "jo"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := one.Allow(ctx, "default", "", rule, "jo"); !ok {
		t.Error("another replica still refuses what was lifted")
	}
	if _, ok := one.Allow(ctx, "default", "", rule, "ann"); ok {
		t.Error("the limit of another user was lifted")
	}
	away := limiter(t, down{}, memory.New())
	if err := away.Lift(ctx, "default", By{Rule: rule, Subject: "jo"}); err == nil {
		t.Error("got no error, although the replicas' counters cannot be reached")
	}
}
