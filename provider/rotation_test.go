package provider

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/storage"
)

// rotate makes a new key, as the command does.
func (s *tokenServer) rotate(alg string, now bool) (storage.Key, error) {
	s.Helper()
	keys, err := s.p.RotateKeys(s.Context(), s.tenant.ID, []string{alg}, now)
	if err != nil {
		return storage.Key{}, err
	}
	return keys[0], nil
}

// Rotations at once wait for each other: each makes a key of each algorithm, and of each
// algorithm one signs.
func TestRotationsAtOnce(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	var wg sync.WaitGroup
	for range 4 {
		replica := s.replica()
		wg.Go(func() {
			keys, err := replica.p.RotateKeys(t.Context(), s.tenant.ID, []string{"ES256", "RS256"}, true)
			if err != nil || len(keys) != 2 {
				t.Errorf("got %d keys, %v", len(keys), err)
			}
		})
	}
	wg.Wait()
	all, err := s.store.Keys(t.Context(), s.tenant.ID, time.Time{})
	if err != nil || len(all) != 8 {
		t.Fatalf("got %d keys, %v, want eight", len(all), err)
	}
	signing := map[string]int{}
	for _, u := range s.p.KeyUses(all, time.Now()) {
		if u.State == KeySigns {
			signing[u.Algorithm]++
		}
	}
	if signing["ES256"] != 1 || signing["RS256"] != 1 {
		t.Errorf("got %v, want one to sign of each", signing)
	}
}

// A rotation makes a key of each algorithm or none.
func TestRotationIsWhole(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	if _, err := s.p.RotateKeys(t.Context(), s.tenant.ID, []string{"ES256", "HS256"}, true); err == nil {
		t.Error("HS256 was taken for an algorithm to sign with")
	}
	taken := storage.Key{TenantID: s.tenant.ID, ID: "taken", Algorithm: "RS256", Sequence: 1, Public: []byte("{}")}
	if err := s.store.AddKeys(t.Context(), []storage.Key{taken}, time.Now()); err != nil {
		t.Fatal(err)
	}
	taken.ID = "other"
	first := storage.Key{TenantID: s.tenant.ID, ID: "first", Algorithm: "ES256", Sequence: 1, Public: []byte("{}")}
	if err := s.store.AddKeys(t.Context(), []storage.Key{first, taken}, time.Now()); !errors.Is(err, storage.ErrExists) {
		t.Errorf("got %v, want a taken sequence", err)
	}
	if all, err := s.store.Keys(t.Context(), s.tenant.ID, time.Time{}); err != nil || len(all) != 1 {
		t.Errorf("got %d keys, %v, want one", len(all), err)
	}
}

// What is said of keys is what they do.
func TestKeyUses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		says := func(want ...KeyState) []KeyUse {
			t.Helper()
			all, err := s.store.Keys(t.Context(), s.tenant.ID, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			var got []KeyState
			uses := s.p.KeyUses(all, time.Now())
			for _, u := range uses {
				got = append(got, u.State)
				if signs := s.kidOf(s.p.keys, "ES256") == u.ID; signs != (u.State == KeySigns) {
					t.Errorf("%s: signs %v", u.State, signs)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			return uses
		}
		begun := time.Now()
		s.kidOf(s.p.keys, "ES256")
		if u := says(KeySigns); !u[0].SignsUntil.Equal(begun.Add(s.p.KeyRotation)) {
			t.Errorf("got until %s, want the rotation's time", u[0].SignsUntil)
		}
		if _, err := s.rotate("ES256", false); err != nil {
			t.Fatal(err)
		}
		if u := says(KeySigns, KeyWaits); !u[0].SignsUntil.Equal(u[1].ActiveAt) || !u[1].SignsUntil.Equal(u[1].ActiveAt.Add(s.p.KeyRotation)) {
			t.Errorf("got %+v, want the first to sign until the second does", u)
		}
		// One that waited is overtaken: it never signs.
		if _, err := s.rotate("ES256", true); err != nil {
			t.Fatal(err)
		}
		says(KeyPublished, KeyPublished, KeySigns)
		time.Sleep(maxLead + cache.TTL)
		says(KeyPublished, KeyPublished, KeySigns)
		time.Sleep(2 * maxLead)
		says(KeyExpired, KeyExpired, KeySigns)
	})
}

// P8: replicas that need the first key at once make one.
func TestReplicasAgreeOnTheFirstKey(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	var kids sync.Map
	var wg sync.WaitGroup
	for range 8 {
		replica := newKeyring(s.store, s.p.Secrets, s.p.KeyRotation, 24*time.Hour)
		for range 2 {
			wg.Go(func() { kids.Store(s.kidOf(replica, "ES256"), true) })
		}
	}
	wg.Wait()
	n := 0
	kids.Range(func(_, _ any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d keys sign, want one", n)
	}
}

// F6: a rotation is announced, then made, and nothing signed before stops working
// while it lives.
func TestScheduledRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		_, secret := s.service("svc", func(c *storage.Client) { c.AccessTokenLifetime = storage.Duration(24 * time.Hour) })
		token := func() string { return ask(s, basic("svc", secret)).str("access_token") }
		maintain := func() {
			t.Helper()
			if err := s.p.MaintainKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		token()
		old := s.kidOf(s.p.keys, "ES256")

		time.Sleep(s.p.KeyRotation - maxLead - time.Hour)
		maintain()
		if n := len(s.published(s.p.keys)); n != 2 {
			t.Fatalf("%d keys before anything was due, want RS256 and ES256", n)
		}
		time.Sleep(2 * time.Hour)
		maintain()
		maintain()
		time.Sleep(cache.TTL)
		if n := len(s.published(s.p.keys)); n != 3 {
			t.Fatalf("%d keys within the lead, want one more", n)
		}
		if got := s.kidOf(s.p.keys, "ES256"); got != old {
			t.Error("the successor signs before its time")
		}
		time.Sleep(maxLead)
		last := token()
		if got := s.kidOf(s.p.keys, "ES256"); got == old {
			t.Fatal("the successor does not sign in its time")
		}
		if n := s.events("key.rotated"); n == 0 {
			t.Error("the rotation was not recorded")
		}

		time.Sleep(24*time.Hour - time.Minute)
		if _, err := s.p.openAccessToken(t.Context(), s.tenant, last, time.Now()); err != nil {
			t.Errorf("a token that lives: %v", err)
		}
		time.Sleep(10 * time.Minute)
		for _, kid := range s.published(s.p.keys) {
			if kid == old {
				t.Error("the old key is published though nothing that it signed lives")
			}
		}
	})
}

// P8: replicas that find a successor due at once make one.
func TestReplicasAgreeOnASuccessor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		var replicas []*keyring
		for range 4 {
			k := newKeyring(s.store, s.p.Secrets, s.p.KeyRotation, 24*time.Hour)
			s.kidOf(k, "ES256")
			replicas = append(replicas, k)
		}
		time.Sleep(s.p.KeyRotation)
		var made atomic.Int64
		var wg sync.WaitGroup
		for _, k := range replicas {
			wg.Go(func() {
				keys, err := k.maintain(t.Context(), s.tenant.ID)
				if err != nil {
					t.Error(err)
				}
				made.Add(int64(len(keys)))
			})
		}
		wg.Wait()
		if made.Load() != 1 {
			t.Errorf("%d successors, want one", made.Load())
		}
	})
}

// Tokens of the last minute of a key verify to their end.
func TestTokensOutliveTheirKeysTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		_, secret := s.service("svc", func(c *storage.Client) { c.AccessTokenLifetime = storage.Duration(1000 * time.Hour) })
		a := ask(s, basic("svc", secret))
		if a.body["expires_in"] != (24 * time.Hour).Seconds() {
			t.Errorf("expires_in: got %v, want no more than keys stay published", a.body["expires_in"])
		}
		if _, err := s.rotate("ES256", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour - time.Second)
		if _, err := s.p.openAccessToken(t.Context(), s.tenant, a.str("access_token"), time.Now()); err != nil {
			t.Error(err)
		}
	})
}

func TestRotateNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		other := newKeyring(s.store, s.p.Secrets, s.p.KeyRotation, 24*time.Hour)
		old := s.kidOf(s.p.keys, "ES256")
		s.kidOf(other, "ES256")
		key, err := s.rotate("ES256", true)
		if err != nil || key.Private != nil || key.ID == old {
			t.Fatalf("got %+v, %v", key, err)
		}
		if got := s.kidOf(s.p.keys, "ES256"); got != key.ID {
			t.Error("the new key does not sign here")
		}
		time.Sleep(cache.TTL)
		if got := s.kidOf(other, "ES256"); got != key.ID {
			t.Error("the new key does not sign at another replica within a second")
		}
		waits, err := s.rotate("ES256", false)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.kidOf(s.p.keys, "ES256"); got != key.ID {
			t.Error("a key that is to wait signs")
		}
		// The key at work is taken away: the one that waits is published, and steps in.
		if err := s.store.RemoveKey(t.Context(), s.tenant.ID, key.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cache.TTL)
		if got := s.kidOf(s.p.keys, "ES256"); got != waits.ID {
			t.Errorf("got %s, want the key that waited", got)
		}
		if _, err := s.rotate("HS256", true); err == nil {
			t.Error("HS256 was taken for an algorithm to sign with")
		}
		if _, err := New(Config{AccessTokenAlgorithm: "none"}); err == nil {
			t.Error("none was taken for an algorithm to sign with")
		}
	})
}

// A key whose successor was removed gets another before its own end.
func TestSuccessorIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		old := s.kidOf(s.p.keys, "ES256")
		next, err := s.rotate("ES256", false)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.RemoveKey(t.Context(), s.tenant.ID, next.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.p.MaintainKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(s.published(s.p.keys)); n != 3 {
			t.Errorf("%d keys, want RS256, ES256 and its successor", n)
		}
		if got := s.kidOf(s.p.keys, "ES256"); got != old {
			t.Error("the successor signs before its time")
		}
		time.Sleep(100 * 24 * time.Hour) // nobody maintains anything
		s.kidOf(s.p.keys, "ES256")
	})
}

// A successor that was made while a clock was ahead does not let its predecessor sign longer.
func TestSuccessorOfAheadOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		old := s.kidOf(s.p.keys, "ES256")
		set, err := s.p.keys.sets.Fresh(t.Context(), s.tenant.ID)
		if err != nil {
			t.Fatal(err)
		}
		ahead := time.Now().Add(s.p.KeyRotation + 100*24*time.Hour)
		far, err := s.p.keys.add(t.Context(), s.tenant.ID, "ES256", set.newest("ES256").next(), ahead.Add(maxLead), ahead)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(s.p.KeyRotation - maxLead)
		for range 2 {
			if err := s.p.MaintainKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(maxLead + cache.TTL)
		if got := s.kidOf(s.p.keys, "ES256"); got == old || got == far.ID {
			t.Error("what signs is no successor of now")
		}
	})
}

// Removing a key ends at once what it signed.
func TestRemovedKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		a := s.tokens(s.client())
		kid := s.kidOf(s.p.keys, "ES256")
		if err := s.store.RemoveKey(t.Context(), s.tenant.ID, kid); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cache.TTL)
		if _, err := s.p.openAccessToken(t.Context(), s.tenant, a.str("access_token"), time.Now()); !errors.Is(err, errTokenInvalid) {
			t.Errorf("got %v, want an invalid token", err)
		}
		if got := s.kidOf(s.p.keys, "ES256"); got == kid {
			t.Error("the removed key signs")
		}
	})
}
