package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

var now = time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC)

// spend spends a value, the simplest of writes.
func spend(ctx context.Context, s *sqldb.Store, value string) error {
	return s.Spend(ctx, storage.Spent{TenantID: "default", Purpose: "test", Value: value, ExpiresAt: now})
}

func TestManyReplicasMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for _, url := range []string{pgtest.Start(t), "sqlite:" + filepath.Join(t.TempDir(), "data", "vouchsafe.db")} {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				s, err := sqldb.Open(t.Context(), url)
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if err := s.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
				if err := s.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

func TestPingAsksForTheSchema(t *testing.T) {
	t.Parallel()
	for _, e := range engines {
		s, err := sqldb.Open(t.Context(), e.url(t))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Ping(t.Context()); err == nil {
			t.Errorf("%s: got nil for an empty database", e.name)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "mysql://x", "sqlite", "sqlite:", "postgres://user:secret@host:port/db",
		"postgres://:secret@h/d?pool_max_conns=x"} {
		s, err := sqldb.Open(t.Context(), url)
		if err == nil {
			s.Close()
			t.Errorf("%q: opened", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error repeats the password: %v", url, err)
		}
	}
}

// TestCosts holds the costs that the design promises.
func TestCosts(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *sqldb.Store) {
		ctx := t.Context()
		populate(t, s)
		cost := func(name string, wanted int64, call func() error) {
			t.Helper()
			before := s.Statements()
			if err := call(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := s.Statements() - before; got != wanted {
				t.Errorf("%s: got %d statements, want %d", name, got, wanted)
			}
		}
		cost("Client", 1, func() error { _, err := s.Client(ctx, "default", "client"); return err })
		cost("Session", 1, func() error { _, _, err := s.Session(ctx, "default", "session", now); return err })
		cost("UserPassword", 1, func() error { _, _, err := s.UserPassword(ctx, "default", "jo"); return err })
		cost("RedeemCode", 1, func() error { _, err := s.RedeemCode(ctx, grant("grant", "code"), nil); return err })
		cost("Rotate", 1, func() error {
			_, _, err := s.Rotate(ctx, "default", "grant", "client", 1, now.Add(time.Hour), now, nil)
			return err
		})
		cost("LiveGrant", 1, func() error { _, _, err := s.LiveGrant(ctx, "default", "grant", "jti", now, nil); return err })
		cost("Revoke", 1, func() error {
			return s.Apply(ctx, storage.Change{TenantID: "default", Now: now,
				Revoke: []storage.Revocation{{GrantFilter: storage.GrantFilter{UserID: "user"}, Why: "test"}}})
		})
		cost("AllowsOrigin", 1, func() error { _, err := s.AllowsOrigin(ctx, "default", "https://x"); return err })
		cost("Spend", 1, func() error { return spend(ctx, s, "x") })
		cost("Record", 1, func() error { return s.Record(ctx, storage.Event{TenantID: "default", ID: "e"}) })
	})
}

// populate makes a user, a client and a session.
func populate(t testing.TB, s *sqldb.Store) {
	t.Helper()
	ctx := context.Background()
	for _, err := range []error{
		storagetest.AddUser(ctx, s, storage.User{TenantID: "default", ID: "user", UsernameKey: "jo", CredentialVersion: 1},
			[]storage.Credential{{Kind: storage.PasswordCredential, Data: []byte("hash")}}, nil),
		s.PutClient(ctx, storage.Client{TenantID: "default", ClientID: "client",
			RedirectURIs: []string{"https://client.example.com/callback"}}),
		storagetest.AddSession(ctx, s,
			storage.Session{TenantID: "default", ID: "session", UserID: "user", CredentialVersion: 1,
				ExpiresAt: now.Add(time.Hour)}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func grant(id, code string) storage.Grant {
	return storage.Grant{
		TenantID: "default", ID: id, CodeID: code, UserID: "user", ClientID: "client", SessionID: "session",
		CredentialVersion: 1, Scopes: []string{"openid", "profile", "email"}, Generation: 1,
		AMR: []string{"pwd"}, AuthTime: now, CreatedAt: now, IdleExpiresAt: now.Add(time.Hour),
		ExpiresAt: now.Add(24 * time.Hour),
	}
}

func TestAClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, e := range engines {
		s, err := sqldb.Open(t.Context(), e.url(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := spend(t.Context(), s, "x"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%s: got %v for a write, want %v", e.name, err, storage.ErrUnavailable)
		}
		if _, err := s.Tenant(t.Context(), "default"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%s: got %v for a read, want %v", e.name, err, storage.ErrUnavailable)
		}
	}
}

// TestPostgresComesBack stops the server under load. Each value is spent by one call
// that is repeated while the answer is that nothing was decided.
func TestPostgresComesBack(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t)
	url, err := server.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	var answered []string
	var last, asked time.Time // when a call last failed, and when it had begun
	var failures int
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := 0; ctx.Err() == nil; j++ {
				value, began := fmt.Sprint(i, "-", j), time.Now()
				err := spend(t.Context(), s, value)
				_, read := s.Tenant(t.Context(), "default")
				mu.Lock()
				for _, e := range []error{err, read} {
					if e != nil {
						failures++
						last, asked = time.Now(), began
						if !errors.Is(e, storage.ErrUnavailable) {
							t.Errorf("got %v, want %v", e, storage.ErrUnavailable)
						}
					}
				}
				if err == nil {
					answered = append(answered, value)
				}
				mu.Unlock()
			}
		})
	}
	for _, immediate := range []bool{false, true} {
		time.Sleep(300 * time.Millisecond)
		if err := server.Stop(immediate); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		quiet := func() bool { mu.Lock(); defer mu.Unlock(); return time.Since(last) > 500*time.Millisecond }
		for !quiet() {
			if time.Since(back) > time.Minute {
				t.Fatal("calls still fail a minute after the server came back")
			}
			time.Sleep(50 * time.Millisecond)
		}
		mu.Lock()
		if late := asked.Sub(back); late > 5*time.Second {
			t.Errorf("a call failed that began %v after the server came back, want 5 s at most", late)
		}
		if failures == 0 {
			t.Error("nothing has failed: was the server stopped?")
		}
		t.Logf("%d failures, the last %v after the server came back", failures, last.Sub(back))
		failures = 0
		mu.Unlock()
	}
	cancel()
	wg.Wait()
	for _, value := range answered {
		if spent, err := s.IsSpent(t.Context(), "default", "test", value); err != nil || !spent {
			t.Fatalf("%s was answered, and got %v, %v", value, spent, err)
		}
	}
	t.Logf("%d answered writes were kept", len(answered))
}

func TestASilentServerIsBounded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // connects and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := sqldb.Open(t.Context(), "postgres://x@"+l.Addr().String()+"/x?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, storage.ErrUnavailable)
	}
	// A caller with less patience than the store gives up long before callers that have as much.
	// A machine that sleeps for seconds does not do so three times.
	for tries := 3; ; tries-- {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		gaveUp := make(chan string, 2)
		for who, ctx := range map[string]context.Context{"patient": t.Context(), "hurried": ctx} {
			go func() {
				if err := spend(ctx, s, "x"); !errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("%s: got %v, want %v", who, err, storage.ErrUnavailable)
				}
				gaveUp <- who
			}()
		}
		first := <-gaveUp
		after := time.Now()
		<-gaveUp // no caller waits for ever
		if first == "hurried" && time.Since(after) > time.Second {
			break
		}
		if tries == 1 {
			t.Fatal("a caller with 100 ms waited as long as one with all the time")
		}
	}
}

// TestTheDatabaseIsDescribed: product, version and size are those of the database.
func TestTheDatabaseIsDescribed(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *sqldb.Store) {
		product, version, bytes, err := s.Describe(t.Context())
		want := "SQLite"
		if strings.HasSuffix(t.Name(), "ostgres") || strings.HasSuffix(t.Name(), "PostgreSQL") {
			want = "PostgreSQL"
		}
		if err != nil || product != want || version == "" || bytes < 64<<10 {
			t.Errorf("got %s %q with %d bytes, %v", product, version, bytes, err)
		}
	})
}
