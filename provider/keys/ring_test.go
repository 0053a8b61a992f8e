package keys

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// ringServer is a ring on a new store, with the one tenant that the tests sign for.
type ringServer struct {
	testing.TB
	ring    *Ring
	store   *sqldb.Store
	secrets *secret.Masters
	tenant  string
}

func startRing(t testing.TB) *ringServer {
	t.Helper()
	return startRingIn(t, "sqlite::memory:")
}

// startRingIn is startRing with a database of the test's own.
func startRingIn(t testing.TB, database string) *ringServer {
	t.Helper()
	store, err := sqldb.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	masters, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	s := &ringServer{TB: t, store: store, secrets: masters, tenant: storage.DefaultTenant}
	s.ring = s.ringOn(store)
	return s
}

// ringOn returns the ring of another process of the same installation.
func (s *ringServer) ringOn(store Store) *Ring {
	return NewRing(Config{
		Lifetimes: Lifetimes{Rotation: 90 * 24 * time.Hour, Longest: 24 * time.Hour},
		Store:     store, Secrets: s.secrets, Algorithm: "ES256",
	})
}

// rotations returns how many rotations are on record.
func (s *ringServer) rotations() (n int) {
	s.Helper()
	all, err := s.store.Events(s.Context(), s.tenant, "", 1000)
	if err != nil {
		s.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == storage.EventKeyRotated {
			n++
		}
	}
	return n
}

// rotate makes a new key, as the command does.
func (s *ringServer) rotate(alg string, now bool) (storage.Key, error) {
	s.Helper()
	keys, err := s.ring.Rotate(s.Context(), s.tenant, []string{alg}, now, audit.Actor("cli"))
	if err != nil {
		return storage.Key{}, err
	}
	return keys[0], nil
}

// kidOf signs once and says with which key.
func (s *ringServer) kidOf(k *Ring, alg string) string {
	s.Helper()
	key, err := k.Signing(s.Context(), s.tenant, alg)
	if err != nil {
		s.Fatal(err)
	}
	return key.ID
}
