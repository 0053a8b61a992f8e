package storagetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// acted is a world in which an administrator uses a session of the user.
type acted struct {
	*world
	admin, own string // ids of the administrator, and of the administrator's own session
	session    storage.Session
}

// newActed makes one. A grant "asked" was given in the session.
func newActed(t *testing.T, s Store) *acted {
	t.Helper()
	ctx := t.Context()
	w := &acted{world: newWorld(t, s), admin: newID(), own: newID()}
	must(t, AddUser(ctx, s, aUser(w.tenant, w.admin), []storage.Credential{aPassword(w.tenant, w.admin, "hash")}, nil))
	w.setRole(t, w.admin, storage.RoleSupport)
	must(t, AddSession(ctx, s, aSession(w.tenant, w.own, w.admin)))
	w.session = aSession(w.tenant, newID(), w.user)
	w.session.ExpiresAt = now.Add(time.Hour)
	w.session.Act = &storage.Act{ActorID: w.admin, SessionID: w.own, Role: storage.RoleSupport, Reason: "ticket 7"}
	must(t, AddSession(ctx, s, w.session))
	g := aGrant(w.tenant, "asked", w.user, w.client, w.session.ID)
	g.IdleExpiresAt = time.Time{}
	must(t, redeem(ctx, s, g))
	return w
}

func (w *acted) setRole(t *testing.T, user, role string) {
	t.Helper()
	must(t, w.s.Apply(t.Context(), storage.Change{TenantID: w.tenant, UserID: user, Now: now, SetAdmin: &role}))
}

// wantLife checks whether the session of the administrator lives, by all that asks.
func (w *acted) wantLife(t *testing.T, at time.Time, lives bool) {
	t.Helper()
	ctx, id := t.Context(), w.session.ID
	if _, _, err := w.s.ActedSession(ctx, w.tenant, id, at); (err == nil) != lives {
		t.Errorf("ActedSession: got %v, want life: %v", err, lives)
	}
	all, err := w.s.SessionsOf(ctx, w.tenant, w.user, at)
	must(t, err)
	if listed := slices.ContainsFunc(all, func(s storage.Session) bool { return s.ID == id }); listed != lives {
		t.Errorf("SessionsOf: listed: %v, want %v", listed, lives)
	}
	g := aGrant(w.tenant, newID(), w.user, w.client, id)
	g.CreatedAt, g.CodeID = at, newID()
	if err := redeem(ctx, w.s, g); (err == nil) != lives || err != nil && !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("RedeemCode: got %v, want life: %v", err, lives)
	}
	w.asked(t, at, lives)
}

// lapsed reports whether the session is one whose end is to be recorded.
func (w *acted) lapsed(t *testing.T, at time.Time) bool {
	t.Helper()
	found := false
	_ = pages(t, func(after string, limit int) ([]storage.Session, error) {
		all, err := w.s.LapsedSessions(t.Context(), after, limit, at)
		for _, s := range all {
			found = found || s.ID == w.session.ID && s.Act != nil && *s.Act == *w.session.Act
		}
		return all, err
	}, func(s storage.Session) string { return s.ID })
	return found
}

func testActing(t *testing.T, s Store) {
	ctx := t.Context()
	w := newActed(t, s)
	u, err := s.User(ctx, w.tenant, w.user)
	must(t, err)
	got, of, err := s.ActedSession(ctx, w.tenant, w.session.ID, now)
	same(t, got, err, w.session)
	same(t, of, err, u)
	if _, _, err := s.Session(ctx, w.tenant, w.session.ID, now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("as a session of the user's own: got %v, want ErrNotFound", err)
	}
	if _, _, err := s.ActedSession(ctx, w.tenant, w.own, now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a session of a user's own: got %v, want ErrNotFound", err)
	}
	renewed := w.session
	renewed.SecretHash, renewed.Act = []byte("new"), nil
	want(t, RenewSession(ctx, s, renewed, w.session.SecretHash), storage.ErrStale)
	all, err := s.SessionsOf(ctx, w.tenant, w.user, now)
	must(t, err)
	if len(all) != 2 || all[0].Act != nil == (all[1].Act != nil) {
		t.Errorf("got %+v, want the administrator's beside the user's own", all)
	}
	w.wantLife(t, now, true)
	if w.lapsed(t, now) {
		t.Error("a living session has lapsed")
	}

	t.Run("what kills it", func(t *testing.T) { testActingEnds(t, s) })
	t.Run("it is no use by the user", func(t *testing.T) { testActingIsNoUse(t, s) })
}

func testActingEnds(t *testing.T, s Store) {
	ctx := t.Context()
	change := func(t *testing.T, w *acted, user string, edit func(*storage.User)) {
		u, err := s.User(ctx, w.tenant, user)
		must(t, err)
		edit(&u)
		must(t, UpdateUser(ctx, s, u))
	}
	for name, kill := range map[string]func(t *testing.T, w *acted) time.Time{
		"its end": func(t *testing.T, w *acted) time.Time {
			must(t, endSession(ctx, s, w.tenant, w.session.ID))
			return now
		},
		"expiry": func(*testing.T, *acted) time.Time { return now.Add(time.Hour) },
		"user disabled": func(t *testing.T, w *acted) time.Time {
			change(t, w, w.user, func(u *storage.User) { u.Disabled = true })
			return now
		},
		"user's password": func(t *testing.T, w *acted) time.Time {
			must(t, ChangeCredential(ctx, s, aPassword(w.tenant, w.user, "new")))
			return now
		},
		"user an administrator": func(t *testing.T, w *acted) time.Time {
			w.setRole(t, w.user, storage.RoleAuditor)
			return now
		},
		"administrator disabled": func(t *testing.T, w *acted) time.Time {
			change(t, w, w.admin, func(u *storage.User) { u.Disabled = true })
			return now
		},
		"administrator demoted": func(t *testing.T, w *acted) time.Time {
			w.setRole(t, w.admin, "")
			return now
		},
		"administrator with another role": func(t *testing.T, w *acted) time.Time {
			w.setRole(t, w.admin, storage.RoleAuditor)
			return now
		},
		"administrator signed out": func(t *testing.T, w *acted) time.Time {
			must(t, endSession(ctx, s, w.tenant, w.own))
			return now
		},
		"administrator's password": func(t *testing.T, w *acted) time.Time {
			must(t, ChangeCredential(ctx, s, aPassword(w.tenant, w.admin, "new")))
			return now
		},
		"administrator removed": func(t *testing.T, w *acted) time.Time {
			must(t, RemoveUser(ctx, s, w.tenant, w.admin, now))
			return now
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newActed(t, s)
			at := kill(t, w)
			w.wantLife(t, at, false)
			if !w.lapsed(t, at) {
				t.Error("its end is not one to be recorded")
			}
			record := storage.Change{TenantID: w.tenant, UserID: w.user, Now: at, RemoveActed: w.session.ID,
				EndSessions: &storage.SessionFilter{IDs: []string{w.session.ID}}}
			must(t, s.Apply(ctx, record))
			want(t, s.Apply(ctx, record), storage.ErrStale)
			if w.lapsed(t, at) {
				t.Error("its end is to be recorded twice")
			}
		})
	}
}

// testActingIsNoUse: what an administrator does is no sign-in and no activity of the user, also after the session
// was deleted for its age.
func testActingIsNoUse(t *testing.T, s Store) {
	ctx := t.Context()
	w := newActed(t, s)
	must(t, endSession(ctx, s, w.tenant, w.session.ID))
	later := w.session
	later.ID, later.AuthTime, later.SeenAt = newID(), now.Add(time.Minute), now.Add(2*time.Minute)
	must(t, AddSession(ctx, s, later))
	standing := func(ctx context.Context) storage.Standing {
		all, err := s.Standings(ctx, w.tenant, []string{w.user})
		must(t, err)
		return all[w.user]
	}
	for _, when := range []string{"while it lives", "after it was deleted"} {
		if got := standing(ctx); !got.LastSignIn.Equal(now) || !got.LastActivity.Equal(now) {
			t.Errorf("%s: got %v and %v, want %v", when, got.LastSignIn, got.LastActivity, now)
		}
		_, err := s.Sweep(ctx, now.Add(2*time.Hour))
		must(t, err)
	}
}
