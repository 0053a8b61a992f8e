package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testGrantLives checks all queries that ask whether a grant is alive, in all cases.
func testGrantLives(t *testing.T, s Store) {
	ctx := t.Context()
	for _, c := range []struct {
		name    string
		change  func(t *testing.T, w *world)
		at      time.Duration // from now
		lives   bool
		offline bool // whether it lives when offline_access was granted
	}{
		{name: "untouched", lives: true, offline: true},
		{name: "another session ended", lives: true, offline: true, change: func(t *testing.T, w *world) {
			must(t, AddSession(ctx, s, aSession(w.tenant, "second", w.user)))
			must(t, endSession(ctx, s, w.tenant, "second"))
		}},
		{name: "session ended", offline: true, change: func(t *testing.T, w *world) {
			must(t, endSession(ctx, s, w.tenant, w.session))
		}},
		{name: "session expired", offline: true, at: 24 * time.Hour},
		{name: "sessions ended", offline: true, change: func(t *testing.T, w *world) {
			must(t, endSessions(ctx, s, w.tenant, w.user, ""))
		}},
		{name: "grant expired", at: 48 * time.Hour},
		{name: "revoked", change: func(t *testing.T, w *world) {
			_, err := revoke(ctx, s, w.tenant, storage.GrantFilter{UserID: w.user}, "test", now)
			must(t, err)
		}},
		{name: "user disabled", change: func(t *testing.T, w *world) { w.disableUser(t) }},
		{name: "client disabled", change: func(t *testing.T, w *world) { w.disableClient(t) }},
		{name: "password changed", change: func(t *testing.T, w *world) {
			must(t, ChangeCredential(ctx, s, aPassword(w.tenant, w.user, "new")))
		}},
		{name: "user removed", change: func(t *testing.T, w *world) { must(t, RemoveUser(ctx, s, w.tenant, w.user, now)) }},
		{name: "client removed", change: func(t *testing.T, w *world) {
			must(t, s.RemoveClient(ctx, w.tenant, w.client, now))
		}},
	} {
		for _, offline := range []bool{false, true} {
			name, lives := c.name, c.lives
			if offline {
				name, lives = c.name+", offline", c.offline
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, s)
				g := aGrant(w.tenant, "asked", w.user, w.client, w.session)
				g.Offline, g.IdleExpiresAt = offline, time.Time{}
				must(t, redeem(ctx, s, g))
				if c.change != nil {
					c.change(t, w)
				}
				w.asked(t, now.Add(c.at), lives)
			})
		}
	}
}

// asked has the grant of that name looked at by every method that cares.
func (w *world) asked(t *testing.T, at time.Time, lives bool) {
	t.Helper()
	for name, ask := range map[string]func(context.Context) error{
		"LiveGrant": func(ctx context.Context) error {
			_, _, err := w.s.LiveGrant(ctx, w.tenant, "asked", "jti", at, nil)
			return err
		},
		"Touch": func(ctx context.Context) error {
			_, _, err := w.s.Touch(ctx, w.tenant, "asked", w.client, 1, time.Time{}, at, nil)
			return err
		},
		"GrantsOf": func(ctx context.Context) error {
			all, err := w.s.GrantsOf(ctx, w.tenant, w.user, at)
			for _, g := range all {
				if g.ID == "asked" {
					return err
				}
			}
			return storage.ErrNotFound
		},
	} {
		if err := ask(t.Context()); (err == nil) != lives {
			t.Errorf("%s: got %v, want life: %v", name, err, lives)
		}
	}
	// The last, because it moves the generation.
	if _, _, err := w.s.Rotate(t.Context(), w.tenant, "asked", w.client, 1, time.Time{}, at, nil); (err == nil) != lives {
		t.Errorf("Rotate: got %v, want life: %v", err, lives)
	}
}

// testRefresh rotates refresh tokens. Of two requests with one generation, one succeeds; a client can only rotate its
// own; a grant that has ended is not refreshed.
func testRefresh(t *testing.T, s Store) {
	ctx := t.Context()
	later, idle := now.Add(time.Minute), now.Add(2*time.Hour)

	t.Run("rotate", func(t *testing.T) {
		w := newWorld(t, s)
		wanted := aGrant(w.tenant, w.grant, w.user, w.client, w.session)
		wanted.Generation, wanted.RotatedAt, wanted.IdleExpiresAt = 2, later, idle
		user, err := s.User(ctx, w.tenant, w.user)
		must(t, err)
		got, of, err := s.Rotate(ctx, w.tenant, w.grant, w.client, 1, idle, later, nil)
		same(t, got, err, wanted)
		same(t, of, err, user)
		got, err = s.Grant(ctx, w.tenant, w.grant)
		same(t, got, err, wanted)
		_, _, err = s.Rotate(ctx, w.tenant, w.grant, w.client, 1, idle, later, nil)
		want(t, err, storage.ErrStale)
		_, _, err = s.Rotate(ctx, w.tenant, w.grant, w.client, 2, idle, later, nil)
		must(t, err)
	})

	t.Run("touch", func(t *testing.T) {
		w := newWorld(t, s)
		wanted := aGrant(w.tenant, w.grant, w.user, w.client, w.session)
		wanted.IdleExpiresAt = idle
		user, err := s.User(ctx, w.tenant, w.user)
		must(t, err)
		for range 2 {
			got, of, err := s.Touch(ctx, w.tenant, w.grant, w.client, 1, idle, later, nil)
			same(t, got, err, wanted)
			same(t, of, err, user)
		}
	})

	t.Run("refused", func(t *testing.T) {
		w := newWorld(t, s)
		never := aGrant(w.tenant, "never", w.user, w.client, w.session)
		never.Generation = 0
		must(t, redeem(ctx, s, never))
		before, err := s.Grant(ctx, w.tenant, w.grant)
		must(t, err)
		for _, refresh := range []func(
			context.Context, string, string, string, int64, time.Time, time.Time, *storage.Belonging,
		) (storage.Grant, storage.User, error){s.Rotate, s.Touch} {
			for name, call := range map[string]func() error{
				"another client": func() error {
					_, _, err := refresh(ctx, w.tenant, w.grant, w.other, 1, idle, later, nil)
					return err
				},
				"future generation": func() error {
					_, _, err := refresh(ctx, w.tenant, w.grant, w.client, 2, idle, later, nil)
					return err
				},
				"no such grant": func() error {
					_, _, err := refresh(ctx, w.tenant, "none", w.client, 1, idle, later, nil)
					return err
				},
				"no refresh token": func() error {
					_, _, err := refresh(ctx, w.tenant, "never", w.client, 0, idle, later, nil)
					return err
				},
				"idle for too long": func() error {
					_, _, err := refresh(ctx, w.tenant, w.grant, w.client, 1, idle, now.Add(time.Hour), nil)
					return err
				},
			} {
				if err := call(); err == nil {
					t.Errorf("%s: refreshed", name)
				} else {
					want(t, err, storage.ErrStale)
				}
			}
		}
		after, err := s.Grant(ctx, w.tenant, w.grant)
		same(t, after, err, before)
	})
}

// testRevoke revokes the grants that each kind of filter names, and no others. The empty filter names none.
func testRevoke(t *testing.T, s Store) {
	ctx := t.Context()
	for name, c := range map[string]struct {
		filter storage.GrantFilter
		dead   []string
	}{
		"nothing":            {storage.GrantFilter{}, nil},
		"id":                 {storage.GrantFilter{ID: "a"}, []string{"a"}},
		"code":               {storage.GrantFilter{CodeID: "code of b"}, []string{"b"}},
		"user":               {storage.GrantFilter{UserID: "user"}, []string{"a", "b", "c", "grant"}},
		"client":             {storage.GrantFilter{ClientID: "client"}, []string{"a", "d", "grant"}},
		"session":            {storage.GrantFilter{SessionID: "session"}, []string{"a", "c", "grant"}},
		"user and client":    {storage.GrantFilter{UserID: "user", ClientID: "other"}, []string{"b", "c"}},
		"client and session": {storage.GrantFilter{ClientID: "other", SessionID: "session"}, []string{"c"}},
		"everything": {storage.GrantFilter{ID: "a", CodeID: "code of a", UserID: "user",
			ClientID: "client", SessionID: "session"},
			[]string{"a"}},
		"no match": {storage.GrantFilter{ID: "a", ClientID: "other"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, s)
			must(t, AddUser(ctx, s, aUser(w.tenant, "ed"), nil, nil))
			for _, g := range []storage.Grant{
				aGrant(w.tenant, "a", w.user, w.client, w.session),
				aGrant(w.tenant, "b", w.user, w.other, ""),
				aGrant(w.tenant, "c", w.user, w.other, w.session),
				aGrant(w.tenant, "d", "ed", w.client, ""),
			} {
				must(t, redeem(ctx, s, g))
			}
			n, err := revoke(ctx, s, w.tenant, c.filter, "because", now)
			same(t, n, err, int64(len(c.dead)))
			var dead []string
			for _, id := range []string{"a", "b", "c", "d", "grant"} {
				g, err := s.Grant(ctx, w.tenant, id)
				must(t, err)
				if !g.RevokedAt.IsZero() {
					dead = append(dead, id)
					if g.RevokedWhy != "because" || !g.RevokedAt.Equal(now) {
						t.Errorf("got revoked at %v for %q, want %v for because", g.RevokedAt, g.RevokedWhy, now)
					}
				}
			}
			same(t, dead, nil, c.dead)
			n, err = revoke(ctx, s, w.tenant, c.filter, "again", now.Add(time.Hour))
			same(t, n, err, 0)
		})
	}
}

// testAhead issues things while a clock is ahead: they count when their time has come, and
// not before.
func testAhead(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	for _, c := range []struct {
		ahead time.Duration
		lives bool
	}{{time.Minute, true}, {time.Hour, false}} {
		at := now.Add(c.ahead)
		id := c.ahead.String()
		session := aSession(w.tenant, id, w.user)
		session.CreatedAt, session.AuthTime, session.SeenAt = at, at, at
		must(t, AddSession(ctx, s, session))
		own := aGrant(w.tenant, "own "+id, w.user, w.client, w.session)
		own.CreatedAt = at
		must(t, redeem(ctx, s, own))
		code := aCode(w.tenant, id, "at "+id, w.user)
		code.CreatedAt, code.ExpiresAt = at, at.Add(time.Hour)
		must(t, PutCode(ctx, s, code))
		wanted := func(err error) {
			t.Helper()
			if (err == nil) != c.lives {
				t.Errorf("%v ahead: got %v, want it to live: %v", c.ahead, err, c.lives)
			}
		}
		_, _, err := s.Session(ctx, w.tenant, id, now)
		wanted(err)
		_, _, err = s.LiveGrant(ctx, w.tenant, own.ID, "", now, nil)
		wanted(err)
		_, err = s.Code(ctx, w.tenant, id, now)
		wanted(err)
		_, err = s.CodeFor(ctx, w.tenant, code.Purpose, code.Target, now)
		wanted(err)
		_, err = s.TryCode(ctx, w.tenant, id, 5, now)
		wanted(err)
		wanted(s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Code: id, Now: now}))
		_, _, err = s.Rotate(ctx, w.tenant, own.ID, w.client, 1, at.Add(time.Hour), now, nil)
		wanted(err)
		if !c.lives {
			_, _, err = s.Session(ctx, w.tenant, id, at)
			must(t, err)
			_, _, err = s.LiveGrant(ctx, w.tenant, own.ID, "", at, nil)
			must(t, err)
		}
	}
	// A visit that was noted ahead of time is one of now, at the next.
	must(t, s.SeenSession(ctx, w.tenant, w.session, now.Add(5*time.Hour)))
	must(t, s.SeenSession(ctx, w.tenant, w.session, now.Add(time.Minute)))
	got, _, err := s.Session(ctx, w.tenant, w.session, now.Add(time.Minute))
	same(t, got.SeenAt, err, now.Add(time.Minute))
}
