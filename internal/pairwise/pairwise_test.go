package pairwise

import (
	"context"
	"crypto/aes"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// of returns the names of a sector under a key that is always the same.
func of(t testing.TB, root, sector string) Names {
	t.Helper()
	k, err := derive([]byte(strings.Repeat(root, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return Names{k, sector}
}

const (
	jo  = "01890a5d-ac96-774b-bcce-b302099a8057"
	kim = "01890a5d-ac96-774b-bcce-b302099a8058"
)

// Clients store these for years: what is computed must never change.
func TestNamesStayTheSame(t *testing.T) {
	t.Parallel()
	n := of(t, "k", "app.example.com")
	for what, c := range map[string][2]string{
		"user":    {n.User(jo), "QZNvcDpPZ-x8Ym4YU449mtLGY24V7nUu6r3JWvhgzA0"},
		"session": {n.Session(jo), "3OfjlFESdewJuWfDixRURR8xgHhYBRaMyWxI7npFA78"},
		"other":   {n.User("jo"), ".LBTF81ToYiA-b9RKyoVJoYYm"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: got %s, want %s", what, c[0], c[1])
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, root := range []string{"k", "l"} {
		for _, sector := range []string{"app.example.com", "app.example.co", "other.example", "client:app", ""} {
			n := of(t, root, sector)
			for _, id := range []string{jo, kim, "jo", "m", strings.Repeat("x", 16), strings.Repeat("x", 128)} {
				for kind, name := range map[string]string{"user": n.User(id), "session": n.Session(id)} {
					what := root + " " + sector + " " + kind + " " + id
					if before, ok := seen[name]; ok {
						t.Errorf("%s and %s have the name %s", what, before, name)
					}
					seen[name] = what
					if len(name) > 255 || !Looks(name) || len(id) > 1 && strings.Contains(name, id) || n.key.open(name) != id {
						t.Errorf("%s: got %s, which opens as %q", what, name, n.key.open(name))
					}
				}
				if !n.Means(n.User(id), id) || n.Means(id, id) || n.ID(n.User(id)) != id || n.ID(n.Session(id)) != "" {
					t.Errorf("%s: a name is mistaken", id)
				}
			}
		}
	}
	if n := (Names{}); n.User(jo) != jo || n.Session(jo) != jo || n.ID(jo) != jo || Looks(jo) {
		t.Error("without a key, ids don't stay as they are")
	}
	if n := of(t, "k", "a"); n.Session("") != "" {
		t.Error("no session has a name")
	}
}

// An attacker who knows the ids of two users must not turn the name of one into that of the other.
func TestNamesAreNotMalleable(t *testing.T) {
	t.Parallel()
	n := of(t, "k", "app.example.com")
	raw, err := base64.RawURLEncoding.DecodeString(n.User(jo))
	if err != nil {
		t.Fatal(err)
	}
	a, b := uuid.MustParse(jo), uuid.MustParse(kim)
	for i := range a {
		raw[hashSize+i] ^= a[i] ^ b[i]
	}
	forged := base64.RawURLEncoding.EncodeToString(raw)
	if n.key.open(forged) != kim {
		t.Fatal("the forgery is none")
	}
	if n.ID(forged) != "" || n.Means(forged, kim) {
		t.Error("a forged name is taken")
	}
	for _, other := range []string{of(t, "k", "b").User(jo), of(t, "l", "app.example.com").User(jo), jo, ""} {
		if n.ID(other) != "" {
			t.Errorf("%q is taken as a name of the sector", other)
		}
	}
}

func openStore(t *testing.T) *sqldb.Store {
	t.Helper()
	s, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func masters(t *testing.T, list string) *secret.Masters {
	t.Helper()
	m, err := secret.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Replicas that make the first key at once agree on one.
func TestReplicasAgreeOnTheKey(t *testing.T) {
	t.Parallel()
	store, m := openStore(t), masters(t, strings.Repeat("m", 32))
	names := make([]string, 8)
	var all sync.WaitGroup
	for i := range names {
		all.Go(func() {
			n, err := (&Service{Store: store, Secrets: m}).Names(t.Context(), storage.DefaultTenant, "a")
			if err != nil {
				t.Error(err)
				return
			}
			names[i] = n.User(jo)
		})
	}
	all.Wait()
	for _, name := range names {
		if name != names[0] || name == "" {
			t.Fatalf("got %v", names)
		}
	}
	s := &Service{Store: store, Secrets: m}
	if id, err := s.IDOf(t.Context(), storage.DefaultTenant, names[0]); err != nil || id != jo {
		t.Errorf("got %q, %v", id, err)
	}
}

// A tenant without pairwise clients gets no key because an administrator searches.
func TestLookingMakesNoKey(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	s := &Service{Store: store, Secrets: masters(t, strings.Repeat("m", 32))}
	if id, err := s.IDOf(t.Context(), storage.DefaultTenant, strings.Repeat("A", length)); err != nil || id != "" {
		t.Errorf("got %q, %v", id, err)
	}
	if _, err := store.PairwiseKey(t.Context(), storage.DefaultTenant); err == nil {
		t.Error("there is a key")
	}
}

// lost is a store whose key was sealed with a secret that is gone.
type lost struct{}

func (lost) PairwiseKey(context.Context, string) ([]byte, error) {
	return []byte("sealed otherwise"), nil
}

func (lost) AddPairwiseKey(context.Context, string, []byte, time.Time) error {
	return storage.ErrExists
}

// Another key would silently make all users of all clients new ones.
func TestAKeyThatDoesNotOpenIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := &Service{Store: lost{}, Secrets: masters(t, strings.Repeat("m", 32))}
	if n, err := s.Names(t.Context(), storage.DefaultTenant, "a"); err == nil {
		t.Errorf("got %v, want an error", n)
	}
}

func FuzzOpen(f *testing.F) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	n := Names{&key{make([]byte, 32), block}, "a"}
	f.Add(n.User(jo))
	f.Add(n.User("jo"))
	f.Add(jo)
	f.Add(".")
	f.Fuzz(func(t *testing.T, name string) {
		id := n.key.open(name)
		if id != "" && !Looks(name) {
			t.Errorf("%q opens as %q", name, id)
		}
		if id := n.ID(name); id != "" && n.User(id) != name {
			t.Errorf("%q is the name of %q, whose name is %q", name, id, n.User(id))
		}
	})
}

func BenchmarkUser(b *testing.B) {
	n := of(b, "k", "app.example.com")
	for b.Loop() {
		n.User(jo)
	}
}
