package limit

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
)

var rule = Rule{Name: "test", Max: 3, Window: time.Minute}

// down is a store that does not answer.
type down struct{ storage.Ephemeral }

func (down) Count(context.Context, string, time.Duration) (int64, error) {
	return 0, storage.ErrUnavailable
}
func (down) Forget(context.Context, string) error { return storage.ErrUnavailable }

func limiter(t *testing.T, shared, local storage.Ephemeral) *Limiter {
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
				if wait, ok := l.Allow(ctx, "default", rule, "jo"); ok != (i < 3) || (wait > 0) == ok {
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
			}{{"default", rule, "mo"}, {"acme", rule, "jo"}, {"default", other, "jo"}, {"default", rule, "JO"}, {"default", rule, ""}} {
				if _, ok := l.Allow(ctx, test.tenant, test.rule, test.subject); !ok {
					t.Errorf("%s: %+v is refused", name, test)
				}
			}
			// The window is that of the first attempt: those that were refused do not
			// prolong it.
			time.Sleep(21 * time.Second)
			if _, ok := l.Allow(ctx, "default", rule, "jo"); !ok {
				t.Errorf("%s: refused after the window", name)
			}
			l.Allow(ctx, "default", rule, "jo")
			l.Allow(ctx, "default", rule, "jo")
			l.Forgive(ctx, "default", rule, "jo")
			if _, ok := l.Allow(ctx, "default", rule, "jo"); !ok {
				t.Errorf("%s: refused after it was forgiven", name)
			}
		}
	})
}

func TestAttemptsAtOnceCount(t *testing.T) {
	for name, l := range map[string]*Limiter{"shared": limiter(t, memory.New(), memory.New()), "alone": limiter(t, down{}, memory.New())} {
		var allowed atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, ok := l.Allow(t.Context(), "default", rule, "jo"); ok {
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
	full := memory.New()
	full.MaxBytes = 1
	for name, local := range map[string]storage.Ephemeral{"full": full, "down": down{}} {
		if wait, ok := limiter(t, down{}, local).Allow(t.Context(), "default", rule, "jo"); ok || wait <= 0 {
			t.Errorf("%s: got %v, %v", name, wait, ok)
		}
	}
}

// keys remembers what was counted.
type keys struct {
	storage.Ephemeral
	seen []string
}

func (k *keys) Count(_ context.Context, key string, _ time.Duration) (int64, error) {
	k.seen = append(k.seen, key)
	return 1, nil
}

func TestSubjectsAreNotStored(t *testing.T) {
	k := &keys{}
	l := limiter(t, k, memory.New())
	l.Allow(t.Context(), "default", rule, "jo@example.com")
	l.Allow(t.Context(), "default", rule, strings.Repeat("x", 1<<20))
	for _, key := range k.seen {
		if strings.Contains(key, "jo") || len(key) > 100 {
			t.Errorf("got key %.200q", key)
		}
	}
}

func TestSomeNetworksAreNotCounted(t *testing.T) {
	l := limiter(t, memory.New(), memory.New())
	l.Unlimited = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for address, want := range map[string]bool{"192.0.2.7:1": true, "[2001:db8::1]:1": true, "[::ffff:192.0.2.7]:1": true, "198.51.100.1:1": false, "[2001:db9::1]:1": false} {
		var last bool
		edge := &web.Edge{Log: l.Log}
		h := edge.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, last = l.Allow(r.Context(), "default", rule, address)
		}))
		for range rule.Max + 1 {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = address
			r.Header.Set("X-Forwarded-For", "192.0.2.1") // nobody is trusted to say so
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		if last != want {
			t.Errorf("%s: got %v, want %v", address, last, want)
		}
	}
}

func TestAddressesOfOneNetworkAreCountedTogether(t *testing.T) {
	for _, pair := range [][2]string{{"2001:db8::1", "2001:db8::ffff:1"}, {"192.0.2.1", "192.0.2.1"}} {
		if Network(pair[0]) != Network(pair[1]) {
			t.Errorf("%q and %q are counted apart", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"2001:db8::1", "2001:db8:0:1::1"}, {"192.0.2.1", "192.0.2.2"}, {"", "192.0.2.1"}} {
		if Network(pair[0]) == Network(pair[1]) {
			t.Errorf("%q and %q are counted together", pair[0], pair[1])
		}
	}
}

func TestWaitsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		growing := Rule{Name: "test", Max: 3, Window: time.Minute, Longest: 5 * time.Minute}
		for name, l := range map[string]*Limiter{
			"shared":              limiter(t, memory.New(), memory.New()),
			"shared is not there": limiter(t, gone{}, memory.New()),
		} {
			ctx := t.Context()
			useUp := func() (wait time.Duration) {
				t.Helper()
				for i := range 3 {
					if _, ok := l.Allow(ctx, "default", growing, "jo"); !ok {
						t.Fatalf("%s: attempt %d is refused", name, i+1)
					}
				}
				for range 50 { // many more make it no longer
					w, ok := l.Allow(ctx, "default", growing, "jo")
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
				if wait, ok := l.Allow(ctx, "default", growing, "jo"); ok || i > 0 && wait > time.Second {
					t.Errorf("%s, time %d: a second early: got %v, %v", name, i+1, wait, ok)
				}
				time.Sleep(time.Second + time.Millisecond)
			}
			if _, ok := l.Allow(ctx, "default", growing, "jo"); !ok {
				t.Fatalf("%s: refused after the longest wait", name)
			}
			l.Forgive(ctx, "default", growing, "jo") // proven: it begins anew
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

// gone is a store of which nothing answers.
type gone struct{ down }

func (gone) Get(context.Context, string) ([]byte, error) { return nil, storage.ErrUnavailable }
func (gone) Put(context.Context, string, []byte, time.Duration) error {
	return storage.ErrUnavailable
}
