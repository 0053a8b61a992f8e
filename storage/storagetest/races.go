package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const racers = 32

// race lets many call at once, and returns what they got.
func race(n int, call func(i int) error) []error {
	got, start := make([]error, n), make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			got[i] = call(i)
		})
	}
	close(start)
	wg.Wait()
	return got
}

// oneWinner fails the test unless one call of many succeeded and the others lost.
func oneWinner(t *testing.T, got []error, lost error) {
	t.Helper()
	won := 0
	for _, err := range got {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, lost):
			t.Errorf("got %v, want %v", err, lost)
		}
	}
	if won != 1 {
		t.Errorf("got %d winners, want 1", won)
	}
}

// testRaces has many callers do the same thing at the same time. One succeeds; the others learn that they have lost.
func testRaces(t *testing.T, s Store) {
	ctx := t.Context()
	t.Run("one code", func(t *testing.T) {
		w := newWorld(t, s)
		oneWinner(t, race(racers, func(i int) error {
			g := aGrant(w.tenant, strconv.Itoa(i), w.user, w.client, w.session)
			g.CodeID = "code"
			return redeem(ctx, s, g)
		}), storage.ErrExists)
		living, err := s.GrantsOf(ctx, w.tenant, w.user, now)
		must(t, err)
		if got := ids(living, func(g storage.Grant) string { return g.ID }); len(got) != 1 || got[0] != w.grant {
			t.Errorf("got %q alive, want nothing that a code redeemed twice has given", got)
		}
	})

	t.Run("no grant behind the back of an end", func(t *testing.T) { testBehind(t, s) })

	t.Run("one refresh token", func(t *testing.T) {
		w := newWorld(t, s)
		oneWinner(t, race(racers, func(int) error {
			_, _, err := s.Rotate(ctx, w.tenant, w.grant, w.client, 1, now.Add(time.Hour), now, nil)
			return err
		}), storage.ErrStale)
		g, err := s.Grant(ctx, w.tenant, w.grant)
		must(t, err)
		if g.Generation != 2 {
			t.Errorf("got generation %d, want 2", g.Generation)
		}
	})

	t.Run("one assertion", func(t *testing.T) {
		tenant := newTenant(t, s)
		v := storage.Spent{TenantID: tenant, Purpose: storage.SpentAssertion, Value: "jti", ExpiresAt: now}
		oneWinner(t, race(racers, func(int) error { return s.Spend(ctx, v) }), storage.ErrExists)
	})

	t.Run("one e-mail", func(t *testing.T) {
		tenant := newTenant(t, s)
		oneWinner(t, race(racers, func(i int) error {
			u := aUser(tenant, strconv.Itoa(i))
			u.EmailKey = "jo@example.com"
			return AddUser(ctx, s, u, []storage.Credential{aPassword(tenant, u.ID, "hash")}, nil)
		}), storage.ErrExists)
		all, err := s.Users(ctx, tenant, "", 100)
		must(t, err)
		if len(all) != 1 {
			t.Errorf("got %d users, want 1", len(all))
		}
	})

	t.Run("one link", func(t *testing.T) {
		tenant := newTenant(t, s)
		once := storage.Spent{TenantID: tenant, Purpose: storage.SpentSetup, Value: "link", ExpiresAt: now}
		oneWinner(t, race(racers, func(i int) error {
			return AddUser(ctx, s, aUser(tenant, strconv.Itoa(i)), nil, &once)
		}), storage.ErrStale)
	})

	t.Run("one key", func(t *testing.T) {
		tenant := newTenant(t, s)
		must(t, s.AddKeys(ctx, []storage.Key{storage.Key{TenantID: tenant, ID: "first",
			Algorithm: "ES256", Sequence: 1}}, now))
		oneWinner(t, race(racers, func(i int) error {
			k := storage.Key{TenantID: tenant, ID: strconv.Itoa(i), Algorithm: "ES256", Sequence: 2}
			return s.AddKeys(ctx, []storage.Key{k}, now.Add(time.Duration(i)*time.Hour))
		}), storage.ErrExists)
	})

	t.Run("one stronger hash", func(t *testing.T) {
		w := newWorld(t, s)
		oneWinner(t, race(racers, func(i int) error {
			return s.PutCredential(ctx, aPassword(w.tenant, w.user, fmt.Sprint("new", i)), []byte("hash"))
		}), storage.ErrStale)
	})

	t.Run("one renewal", func(t *testing.T) {
		w := newWorld(t, s)
		was := aSession(w.tenant, w.session, w.user)
		oneWinner(t, race(racers, func(i int) error {
			next := was
			next.SecretHash = []byte{byte(i)}
			return RenewSession(ctx, s, next, was.SecretHash)
		}), storage.ErrStale)
	})

	t.Run("every change counts", func(t *testing.T) {
		w := newWorld(t, s)
		for _, err := range race(racers, func(i int) error {
			return ChangeCredential(ctx, s, aPassword(w.tenant, w.user, strconv.Itoa(i)))
		}) {
			must(t, err)
		}
		u, err := s.User(ctx, w.tenant, w.user)
		must(t, err)
		if u.CredentialVersion != 1+racers {
			t.Errorf("got version %d, want %d", u.CredentialVersion, 1+racers)
		}
	})

	t.Run("many clients at once", func(t *testing.T) {
		tenant := newTenant(t, s)
		for _, err := range race(racers, func(i int) error {
			c := aClient(tenant, strconv.Itoa(i%4))
			c.AllowedCORSOrigins = []string{"https://" + strconv.Itoa(i) + ".example.com", "https://a.example"}
			return s.PutClient(ctx, c)
		}) {
			must(t, err)
		}
	})

	t.Run("codes against what kills them", func(t *testing.T) {
		for name, kill := range map[string]func(ctx context.Context, w *world) error{
			"password": func(ctx context.Context, w *world) error {
				return ChangeCredential(ctx, s, aPassword(w.tenant, w.user, "new"))
			},
			"session": func(ctx context.Context, w *world) error { return endSession(ctx, s, w.tenant, w.session) },
			"user":    func(ctx context.Context, w *world) error { return RemoveUser(ctx, s, w.tenant, w.user, now) },
			"client": func(ctx context.Context, w *world) error {
				if err := s.RemoveClient(ctx, w.tenant, w.client, now); err != nil {
					return err
				}
				return s.PutClient(ctx, aClient(w.tenant, w.client)) // the same name, another client
			},
		} {
			w := newWorld(t, s)
			var killed error
			for i, err := range race(racers, func(i int) error {
				if i == racers/2 {
					killed = kill(ctx, w)
					return nil
				}
				return redeem(ctx, s, aGrant(w.tenant, strconv.Itoa(i), w.user, w.client, w.session))
			}) {
				if err != nil && !errors.Is(err, storage.ErrNotFound) {
					t.Errorf("%s, %d: %v", name, i, err)
				}
			}
			must(t, killed)
			if name == "client" {
				continue // codes may be redeemed at its successor: those after the removal
			}
			living, err := s.GrantsOf(ctx, w.tenant, w.user, now)
			must(t, err)
			if len(living) > 0 {
				t.Errorf("%s: %d grants live on", name, len(living))
			}
		}
	})

	t.Run("an id is never given again", func(t *testing.T) {
		tenant := newTenant(t, s)
		for round := range 5 {
			u := aUser(tenant, strconv.Itoa(round))
			must(t, AddUser(ctx, s, u, nil, nil))
			race(racers, func(i int) error {
				if i%8 == 0 {
					return RemoveUser(ctx, s, tenant, u.ID, now)
				}
				return AddUser(ctx, s, u, nil, nil)
			})
			_, err := s.User(ctx, tenant, u.ID)
			want(t, err, storage.ErrNotFound)
		}
	})
}

// testBehind ends what grants rest on while codes are redeemed, and revokes then: no
// grant may come to be behind the back of that.
func testBehind(t *testing.T, s Store) {
	ctx := t.Context()
	for name, end := range map[string]func(w *world) error{
		"session": func(w *world) error {
			if err := endSession(ctx, s, w.tenant, w.session); err != nil {
				return err
			}
			_, err := revoke(ctx, s, w.tenant, storage.GrantFilter{SessionID: w.session}, "test", now)
			return err
		},
		"consent": func(w *world) error { return withdraw(ctx, s, w.tenant, w.user, w.client) },
	} {
		t.Run(name, func(t *testing.T) {
			for round := range 30 {
				w := newWorld(t, s)
				must(t, PutConsent(ctx, s, storage.Consent{TenantID: w.tenant, UserID: w.user, ClientID: w.client, GrantedAt: now}))
				race(racers, func(i int) error {
					if i == racers/2 {
						time.Sleep(time.Duration(round) * 100 * time.Microsecond) // in the midst of them
						return end(w)
					}
					g := aGrant(w.tenant, strconv.Itoa(i), w.user, w.client, w.session)
					g.Offline, g.Consented = true, name == "consent"
					return redeem(ctx, s, g)
				})
				living, err := s.GrantsOf(ctx, w.tenant, w.user, now)
				must(t, err)
				if len(living) > 0 {
					t.Fatalf("round %d: got %d living grants, want none", round, len(living))
				}
			}
		})
	}
}
