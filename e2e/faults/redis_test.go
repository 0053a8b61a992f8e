package faults

import (
	"context"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/load"
	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
)

// TestNothingFailsWithoutRedis: without Redis no request is refused, and nothing works twice.
func TestNothingFailsWithoutRedis(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	l := load.New(t, s.Server, load.Options{People: 2, Refusal: load.Never, SignUps: 1, Mails: s.mails})
	l.Start()
	l.During(time.Second, 100)
	l.Stop()
	before := s.usage(t)
	l.Start()
	set := func(f faultproxy.Fault) func() { return func() { s.toRedis.Set(f) } }
	none := set(faultproxy.Fault{})
	for _, f := range []struct {
		name       string
		begin, end func()
		lasts      time.Duration
	}{
		{"killed, and back empty", func() { mustDo(t, s.redis.Stop) }, func() { mustDo(t, s.redis.Start) }, 2 * time.Second},
		{"emptied", s.flushRedis(t), none, 0},
		{"cut", s.toRedis.Cut, none, 0},
		{"refused", func() { s.toRedis.Set(faultproxy.Fault{Refuse: true}); s.toRedis.Cut() }, none, time.Second},
		{"reset in an answer", set(faultproxy.Fault{ResetAfter: 2}), none, time.Second},
		{"sliced", set(faultproxy.Fault{Slice: 1}), none, time.Second},
		{"300 ms late", set(faultproxy.Fault{Delay: 300 * time.Millisecond}), none, 2 * time.Second},
		{"3 s late", set(faultproxy.Fault{Delay: 3 * time.Second}), none, 4 * time.Second},
		{"silent", set(faultproxy.Fault{Silent: true}), none, 4 * time.Second},
		{"stranded", s.toRedis.Strand, none, 0},
	} {
		f.begin()
		t.Run(f.name, s.signsIn)
		l.During(f.lasts, 50)
		f.end()
		l.Back(time.Now(), recovery)
		l.During(0, 50)
	}
	l.Stop()
	s.settles(t, before)
	l.Verify()
}

// signsIn fails the test unless a sign-in by password, which counts attempts several times,
// succeeds without a long delay.
func (s *site) signsIn(t *testing.T) {
	t.Helper()
	began := time.Now()
	s.Browser(t, s.Jo(t)).Code(t, vouchsafetest.NewRequest(load.Web))
	// One count, which notices that Redis is away, and the work itself.
	if took := time.Since(began); took > 2*time.Second+slack {
		t.Errorf("signing in by password took %v, want at most 2 s", took)
	}
}

func (s *site) flushRedis(t *testing.T) func() {
	return func() {
		c := s.redisClient(t)
		defer c.Close()
		if err := c.FlushAll(context.Background()).Err(); err != nil {
			t.Error(err)
		}
	}
}

func mustDo(t *testing.T, do func() error) {
	t.Helper()
	if err := do(); err != nil {
		t.Fatal(err)
	}
}

// guesses is more than the attempts that an account has (login.PerAccount).
const guesses = 30

// TestLimitsHoldWithoutRedis: attempts are limited while Redis is away, by each replica for itself,
// and after it has come back empty.
func TestLimitsHoldWithoutRedis(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"VOUCHSAFE_UNLIMITED_ADDRESSES": ""})
	r := s.Replica(t)
	for _, f := range []struct {
		name       string
		begin, end func()
	}{
		{"killed", func() { mustDo(t, s.redis.Stop) }, func() { mustDo(t, s.redis.Start) }},
		{"silent", func() { s.toRedis.Set(faultproxy.Fault{Silent: true}) }, func() { s.toRedis.Set(faultproxy.Fault{}) }},
		{"emptied", s.flushRedis(t), func() {}},
	} {
		f.begin()
		for _, at := range []*vouchsafetest.Server{s.Server, r} {
			p := s.Person(t)
			taken := guess(t, at, p)
			if taken == 0 || taken >= guesses {
				t.Errorf("%s: %d of %d guesses were taken", f.name, taken, guesses)
			}
			late := at.Browser(t, p)
			if page := late.SignIn(t, late.Get(t, vouchsafetest.NewRequest(load.Web).Path()), p); page.Left != nil {
				t.Errorf("%s: the right password was taken after %d guesses", f.name, guesses)
			}
		}
		f.end()
	}
}

// guess returns how many wrong passwords, each from another address, were checked.
func guess(t *testing.T, s *vouchsafetest.Server, p vouchsafetest.Person) (taken int) {
	t.Helper()
	for range guesses {
		b := s.Browser(t, vouchsafetest.Person{Email: p.Email, Password: "a wrong guess"})
		page := b.SignIn(t, b.Get(t, vouchsafetest.NewRequest(load.Web).Path()), b.Person)
		switch page.Status {
		case 200, 401, 422:
			taken++
		case 429:
		default:
			t.Fatalf("a wrong guess: got %d %s", page.Status, page.Text(t))
		}
	}
	return taken
}
