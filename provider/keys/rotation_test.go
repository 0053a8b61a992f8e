package keys

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Rotations at the same time wait for each other: each makes a key for each algorithm, in whichever order, and one key
// per algorithm signs.
func TestRotationsAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); rotateAtOnce(t, "sqlite::memory:") })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); rotateAtOnce(t, pgtest.Start(t)) })
}

func rotateAtOnce(t *testing.T, database string) {
	s := startRingIn(t, database)
	var wg sync.WaitGroup
	for i := range 4 {
		replica, algs := s.ringOn(s.store), []string{"ES256", "RS256"}
		if i%2 == 1 {
			slices.Reverse(algs)
		}
		wg.Go(func() {
			keys, err := replica.Rotate(t.Context(), s.tenant, algs, true, audit.Actor("cli"))
			if err != nil || len(keys) != 2 {
				t.Errorf("got %d keys, %v", len(keys), err)
			}
		})
	}
	wg.Wait()
	all, err := s.store.Keys(t.Context(), s.tenant, time.Time{})
	if err != nil || len(all) != 8 {
		t.Fatalf("got %d keys, %v, want eight", len(all), err)
	}
	signing := map[string]int{}
	for _, u := range s.ring.Uses(all, time.Now()) {
		if u.State == Signs {
			signing[u.Algorithm]++
		}
	}
	if signing["ES256"] != 1 || signing["RS256"] != 1 {
		t.Errorf("got %v, want one to sign of each", signing)
	}
}

// A rotation makes a key for each algorithm, or none.
func TestRotationIsWhole(t *testing.T) {
	t.Parallel()
	s := startRing(t)
	if _, err := s.ring.Rotate(t.Context(), s.tenant, []string{"ES256", "HS256"}, true, audit.Actor("cli")); err == nil {
		t.Error("HS256 was taken for an algorithm to sign with")
	}
	taken := storage.Key{TenantID: s.tenant, ID: "taken", Algorithm: "RS256", Sequence: 1, Public: []byte("{}")}
	if err := s.store.AddKeys(t.Context(), []storage.Key{taken}, time.Now()); err != nil {
		t.Fatal(err)
	}
	taken.ID = "other"
	first := storage.Key{TenantID: s.tenant, ID: "first", Algorithm: "ES256", Sequence: 1, Public: []byte("{}")}
	if err := s.store.AddKeys(t.Context(), []storage.Key{first, taken}, time.Now()); !errors.Is(err, storage.ErrExists) {
		t.Errorf("got %v, want a taken sequence", err)
	}
	if all, err := s.store.Keys(t.Context(), s.tenant, time.Time{}); err != nil || len(all) != 1 {
		t.Errorf("got %d keys, %v, want one", len(all), err)
	}
}

// The states that Uses reports are what the keys do.
func TestKeyUses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRing(t)
		says := func(want ...State) []Use {
			t.Helper()
			all, err := s.store.Keys(t.Context(), s.tenant, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			var got []State
			uses := s.ring.Uses(all, time.Now())
			for _, u := range uses {
				got = append(got, u.State)
				if signs := s.kidOf(s.ring, "ES256") == u.ID; signs != (u.State == Signs) {
					t.Errorf("%s: signs %v", u.State, signs)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			return uses
		}
		begun := time.Now()
		s.kidOf(s.ring, "ES256")
		if u := says(Signs); !u[0].SignsUntil.Equal(begun.Add(s.ring.Rotation)) {
			t.Errorf("got until %s, want the rotation's time", u[0].SignsUntil)
		}
		if _, err := s.rotate("ES256", false); err != nil {
			t.Fatal(err)
		}
		if u := says(Signs, Waits); !u[0].SignsUntil.Equal(u[1].ActiveAt) ||
			!u[1].SignsUntil.Equal(u[1].ActiveAt.Add(s.ring.Rotation)) {
			t.Errorf("got %+v, want the first to sign until the second does", u)
		}
		// A key that has waited is overtaken: it never signs.
		if _, err := s.rotate("ES256", true); err != nil {
			t.Fatal(err)
		}
		says(Published, Published, Signs)
		time.Sleep(maxLead + cache.TTL)
		says(Published, Published, Signs)
		time.Sleep(2 * maxLead)
		says(Expired, Expired, Signs)
	})
}

// P8: replicas that need the first key at once make one.
func TestReplicasAgreeOnTheFirstKey(t *testing.T) {
	t.Parallel()
	s := startRing(t)
	var kids sync.Map
	var wg sync.WaitGroup
	for range 8 {
		replica := s.ringOn(s.store)
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

// P8: replicas that find a successor due at once make one.
func TestReplicasAgreeOnASuccessor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRing(t)
		var replicas []*Ring
		for range 4 {
			k := s.ringOn(s.store)
			s.kidOf(k, "ES256")
			replicas = append(replicas, k)
		}
		time.Sleep(s.ring.Rotation)
		before := s.rotations()
		var wg sync.WaitGroup
		for _, k := range replicas {
			wg.Go(func() {
				if err := k.makeSuccessors(t.Context(), s.tenant); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made := s.rotations() - before; made != 1 {
			t.Errorf("%d successors are on record, want one", made)
		}
	})
}

func TestRotateNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRing(t)
		other := s.ringOn(s.store)
		old := s.kidOf(s.ring, "ES256")
		s.kidOf(other, "ES256")
		key, err := s.rotate("ES256", true)
		if err != nil || key.Private != nil || key.ID == old {
			t.Fatalf("got %+v, %v", key, err)
		}
		if got := s.kidOf(s.ring, "ES256"); got != key.ID {
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
		if got := s.kidOf(s.ring, "ES256"); got != key.ID {
			t.Error("a key that is to wait signs")
		}
		// The signing key is removed: its successor, which is published, takes over.
		if err := s.store.RemoveKey(t.Context(), s.tenant, key.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cache.TTL)
		if got := s.kidOf(s.ring, "ES256"); got != waits.ID {
			t.Errorf("got %s, want the key that waited", got)
		}
		if _, err := s.rotate("HS256", true); err == nil {
			t.Error("HS256 was taken for an algorithm to sign with")
		}
	})
}

// A key whose successor was removed gets another before its own end.
func TestSuccessorIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRing(t)
		old := s.kidOf(s.ring, "ES256")
		next, err := s.rotate("ES256", false)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.RemoveKey(t.Context(), s.tenant, next.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.ring.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(s.published(s.ring)); n != 3 {
			t.Errorf("%d keys, want RS256, ES256 and its successor", n)
		}
		if got := s.kidOf(s.ring, "ES256"); got != old {
			t.Error("the successor signs before its time")
		}
		time.Sleep(100 * 24 * time.Hour) // no replica runs Maintain
		s.kidOf(s.ring, "ES256")
	})
}

// A successor that was made while a clock was ahead does not let its predecessor sign for longer.
func TestSuccessorOfAheadOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRing(t)
		old := s.kidOf(s.ring, "ES256")
		set, err := s.ring.sets.Fresh(t.Context(), s.tenant)
		if err != nil {
			t.Fatal(err)
		}
		ahead := time.Now().Add(s.ring.Rotation + 100*24*time.Hour)
		far, err := s.ring.add(t.Context(), s.tenant, "ES256", set.newest("ES256").next(), ahead.Add(maxLead), ahead, "")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(s.ring.Rotation - maxLead)
		for range 2 {
			if err := s.ring.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(maxLead + cache.TTL)
		if got := s.kidOf(s.ring, "ES256"); got == old || got == far.ID {
			t.Error("what signs is no successor of now")
		}
	})
}
