package threats

import (
	"context"
	"crypto/rand"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// m6: a hundred sign-ins that are not finished leave no row in the database. In Redis, every value
// of an abandoned flow expires.
func m6(t *testing.T, s *vouchsafetest.Server) {
	const lifetime = 3 * time.Second
	own := vouchsafetest.Start(t,
		vouchsafetest.Options{Production: s.Database != "", Clients: []vouchsafetest.Client{mobile}, Env: map[string]string{
			"VOUCHSAFE_SMTP_URL": mails.URL, "VOUCHSAFE_MAIL_FROM": "no-reply@vouchsafe.example",
			"VOUCHSAFE_REQUEST_LIFETIME": lifetime.String(),
		}})
	begin := func() {
		if page := own.Browser(t, vouchsafetest.Person{}).Get(t, vouchsafetest.NewRequest(web).Path()); page.Status != 200 {
			t.Fatalf("got %d", page.Status)
		}
	}
	begin()
	before := len(own.Dump(t))
	for range 100 {
		begin()
	}
	// Something else may have been written meanwhile, but not for each of them.
	if grown := len(own.Dump(t)) - before; grown > 100*40 {
		t.Errorf("the database grew by %d bytes", grown)
	}
	if own.Database == "" {
		return
	}
	if kept := redisKeys(t, own); len(kept) > 0 {
		t.Errorf("unfinished sign-ins leave %d keys in Redis: %v", len(kept), kept)
	}
	m6Dropped(t, own)
	m6Finished(t, own, lifetime)
}

// windows says for how long what Redis holds is needed, as docs/limits.md says.
var windows = map[string]time.Duration{
	"login-address": 5 * time.Minute, "login-account": time.Minute, "login-tenant": time.Minute,
	"code-target": time.Hour, "code-target-all": time.Hour, "code-asker": time.Hour, "mails": time.Hour,
	"form":        5 * time.Minute,
	"client-auth": time.Minute, "client-auth-address": time.Minute, "client-auth-client": time.Minute,
	// The network from which a client has authenticated, so that strangers do not lock it out.
	"client-proven": 30 * 24 * time.Hour,
	// How often a user's attempts were used up makes them wait for longer, within a day.
	"login-account:times": 24 * time.Hour,
}

// m6Dropped begins flows that are not finished. Counters are per user and per address, not per
// request, and a counter's expiry does not move.
func m6Dropped(t *testing.T, s *vouchsafetest.Server) {
	const strangers = 6
	google := newSocial(t, s, "unfinished", nil)
	var all []func()
	for range strangers {
		f := &flows{t: t, s: s, api: s.API(t), secrets: map[string]string{}}
		b, email, password := google.Browser(t, vouchsafetest.Person{}), newAddress("example.com"),
			"a password of "+rand.Text()
		all = append(all, func() {
			f.call("/auth/sign-in", "login", email, "password", password).Want(t, 422, "")
			f.call("/auth/sign-up", "email", email, "password", password).Want(t, 202, "")
			f.call("/auth/reset-password", "login", email).Want(t, 202, "")
			f.api.Renew(t, web, "garbage").Want(t, 400, "invalid_grant")
			f.api.As(t, web.With(vouchsafetest.Client{"client_secret": "a wrong secret"}), "/introspect",
				url.Values{"token": {"x"}}).Want(t, 401, "invalid_client")
			if page := b.Get(t, "/upstream/google"); page.Left == nil {
				t.Fatalf("to a provider: got %d at %s", page.Status, page.URL)
			}
		})
	}
	guessed, guesser := newAddress("example.com"), &flows{t: t, s: s, api: s.API(t), secrets: map[string]string{}}
	all = append(all, func() {
		for range 6 {
			guesser.call("/auth/sign-in", "login", guessed, "password", "a guess")
		}
	})
	drop := func() map[string]time.Duration {
		for _, f := range all {
			f()
		}
		return redisKeys(t, s)
	}
	began := time.Now()
	first := drop()
	kinds := map[string]int{}
	for key, left := range first {
		parts := strings.Split(key, ":") // vouchsafe, limit, {the tenant}, the rule, who it is about
		kind := parts[min(3, len(parts)-1)]
		if len(parts) > 5 {
			kind += ":" + parts[5]
		}
		kinds[kind]++
		if longest := windows[kind]; left < 0 || left > longest {
			t.Errorf("%q is to stay for %v, want an end within %v", key, left, longest)
		}
	}
	if missing := slices.DeleteFunc(slices.Collect(maps.Keys(windows)), func(kind string) bool {
		return kinds[kind] > 0
	}); len(missing) > 0 {
		t.Fatalf("nothing was counted by %v: the test shows nothing", missing)
	}
	second := drop()
	took := time.Since(began)
	for key, left := range second {
		was, known := first[key]
		switch {
		case !known:
			t.Errorf("the same people again make another key in Redis: %q", key)
		case was > took+time.Second && left > was:
			t.Errorf("%q is to stay for %v, and was to stay for %v: going on prolongs it", key, left, was)
		}
	}
	t.Logf("%d keys for %d strangers: %v", len(second), strangers, kinds)
}

// m6Finished: what is remembered of finished sign-ins expires when they would have been too old.
func m6Finished(t *testing.T, s *vouchsafetest.Server, lifetime time.Duration) {
	p := s.Person(t)
	finished := func() (n int) {
		for key, left := range redisKeys(t, s) {
			if !strings.HasPrefix(key, "vouchsafe:authorized:") {
				continue
			}
			if n++; left < 0 || left > lifetime {
				t.Errorf("%q is to stay for %v, want an end within %v", key, left, lifetime)
			}
		}
		return n
	}
	within(t, 30*time.Second, "no sign-in is remembered", func() bool { // one may take too long
		s.Browser(t, p).Authorize(t, vouchsafetest.NewRequest(web))
		return finished() > 0
	})
	within(t, 2*lifetime+5*time.Second, "sign-ins are remembered for longer than they may take", func() bool {
		return finished() == 0
	})
}

// redisKeys returns the keys in the server's Redis, and the time that is left to each: negative if
// it never expires, and zero in its last millisecond.
func redisKeys(t *testing.T, s *vouchsafetest.Server) map[string]time.Duration {
	t.Helper()
	c := redisClient(t, s)
	ctx := context.Background()
	out := map[string]time.Duration{}
	for keys := c.Scan(ctx, 0, "*", 1000).Iterator(); keys.Next(ctx); {
		left, err := c.PTTL(ctx, keys.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if left != -2 { // gone since
			out[keys.Val()] = left
		}
	}
	return out
}

func redisClient(t *testing.T, s *vouchsafetest.Server) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(s.Setting("VOUCHSAFE_REDIS_URL"))
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(options)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
