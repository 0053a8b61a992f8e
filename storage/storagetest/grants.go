package storagetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testGrants redeems codes. A code makes one grant, however often and by however many requests it is presented, and
// none if the user, session, consent or client that it rests on has ended.
func testGrants(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	full := filled[storage.Grant]()
	full.TenantID, full.UserID, full.ClientID, full.SessionID = w.tenant, w.user, w.client, w.session
	full.CredentialVersion, full.CreatedAt, full.RevokedAt, full.RevokedWhy = 1, now, time.Time{}, ""
	full.Consented, full.ActorID = false, "" // they are not kept
	owner, err := s.User(ctx, w.tenant, full.UserID)
	must(t, err)
	of, err := s.RedeemCode(ctx, full, nil)
	same(t, of, err, owner)
	got, err := s.Grant(ctx, w.tenant, full.ID)
	same(t, got, err, full)
	person, err := s.User(ctx, w.tenant, w.user)
	must(t, err)
	got, u, err := s.LiveGrant(ctx, w.tenant, full.ID, "", now, nil)
	same(t, got, err, full)
	same(t, u, err, person)
	_, err = s.Grant(ctx, w.tenant, "none")
	want(t, err, storage.ErrNotFound)

	t.Run("a code is redeemed once", func(t *testing.T) {
		g := aGrant(w.tenant, "g1", w.user, w.client, w.session)
		must(t, redeem(ctx, s, g))
		g.ID, g.CreatedAt = "g2", now.Add(time.Second)
		want(t, redeem(ctx, s, g), storage.ErrExists)
		_, err := s.Grant(ctx, w.tenant, "g2")
		want(t, err, storage.ErrNotFound)
		first, err := s.Grant(ctx, w.tenant, "g1")
		must(t, err)
		if !first.RevokedAt.Equal(g.CreatedAt) || first.RevokedWhy == "" {
			t.Errorf("got revoked at %v for %q, want %v and a reason", first.RevokedAt, first.RevokedWhy, g.CreatedAt)
		}
		g.ID, g.CreatedAt = "g3", now.Add(time.Minute)
		want(t, redeem(ctx, s, g), storage.ErrExists)
		again, err := s.Grant(ctx, w.tenant, "g1")
		same(t, again, err, first) // when and why stay
	})

	t.Run("a code redeemed before is told from a dead one", func(t *testing.T) {
		w := newWorld(t, s)
		must(t, endSession(ctx, s, w.tenant, w.session))
		again := aGrant(w.tenant, "again", w.user, w.client, w.session)
		again.CodeID = "code of " + w.grant
		want(t, redeem(ctx, s, again), storage.ErrExists)
	})

	t.Run("grants without a code", func(t *testing.T) {
		for _, id := range []string{"n1", "n2"} {
			g := aGrant(w.tenant, id, w.user, w.client, "")
			g.CodeID = ""
			must(t, redeem(ctx, s, g))
			want(t, redeem(ctx, s, g), storage.ErrExists)
			_, _, err := s.LiveGrant(ctx, w.tenant, id, "", now, nil)
			must(t, err)
		}
	})

	t.Run("what keeps a code from being redeemed", func(t *testing.T) {
		for name, spoil := range map[string]func(w *world, g *storage.Grant){
			"no user":         func(w *world, g *storage.Grant) { g.UserID = "nobody" },
			"no client":       func(w *world, g *storage.Grant) { g.ClientID = "nothing" },
			"no session":      func(w *world, g *storage.Grant) { g.SessionID = "none" },
			"another version": func(w *world, g *storage.Grant) { g.CredentialVersion = 2 },
			"session ended":   func(w *world, g *storage.Grant) { must(t, endSession(ctx, s, w.tenant, w.session)) },
			"session expired": func(w *world, g *storage.Grant) { g.CreatedAt = now.Add(24 * time.Hour) },
			"user disabled":   func(w *world, g *storage.Grant) { w.disableUser(t) },
			"client disabled": func(w *world, g *storage.Grant) { w.disableClient(t) },
			"password changed": func(w *world, g *storage.Grant) {
				must(t, ChangeCredential(ctx, s, aPassword(w.tenant, w.user, "x")))
			},
			"user removed":   func(w *world, g *storage.Grant) { must(t, RemoveUser(ctx, s, w.tenant, w.user, now)) },
			"client removed": func(w *world, g *storage.Grant) { must(t, s.RemoveClient(ctx, w.tenant, w.client, now)) },
			"another's session": func(w *world, g *storage.Grant) {
				must(t, AddUser(ctx, s, aUser(w.tenant, "ed"), nil, nil))
				g.UserID = "ed"
			},
			"no consent": func(w *world, g *storage.Grant) {
				g.Consented = true
				must(t, withdraw(ctx, s, w.tenant, w.user, w.client))
			},
			"offline, session ended": func(w *world, g *storage.Grant) {
				g.Offline = true
				must(t, endSession(ctx, s, w.tenant, w.session))
			},
		} {
			w := newWorld(t, s)
			g := aGrant(w.tenant, "new", w.user, w.client, w.session)
			spoil(w, &g)
			err := redeem(ctx, s, g)
			if err == nil {
				t.Errorf("%s: redeemed", name)
				continue
			}
			want(t, err, storage.ErrNotFound)
		}
	})

	t.Run("the last sign-ins with clients", func(t *testing.T) {
		w := newWorld(t, s)
		g := aGrant(w.tenant, "z1", w.user, w.client, w.session)
		g.CreatedAt = now.Add(time.Minute)
		must(t, redeem(ctx, s, g))
		got, err := s.LastSignIns(ctx, w.tenant, w.client, w.client)
		must(t, err)
		if at, ok := got[w.client]; !ok || !at.Equal(g.CreatedAt) || len(got) != 1 {
			t.Errorf("got %v, want %v", got, g.CreatedAt)
		}
		got, err = s.LastSignIns(ctx, w.tenant, w.client+"~", w.client+"~")
		must(t, err)
		if len(got) != 0 {
			t.Errorf("got %v for clients that aren't there", got)
		}
	})

	t.Run("the use of a client", func(t *testing.T) {
		w := newWorld(t, s) // it has a grant
		for _, id := range []string{"u1", "u2", "u3"} {
			must(t, redeem(ctx, s, aGrant(w.tenant, id, w.user, w.client, w.session)))
		}
		_, err := revoke(ctx, s, w.tenant, storage.GrantFilter{ID: "u2"}, "test", now)
		must(t, err)
		use, err := s.UseOf(ctx, w.tenant, w.client, 4, now)
		same(t, use, err, storage.ClientUse{Grants: 3, Sessions: 1, LastUse: use.LastUse})
		if use.LastUse.IsZero() {
			t.Error("no last use")
		}
		use, err = s.UseOf(ctx, w.tenant, w.client, 3, now)
		same(t, use, err, storage.ClientUse{Grants: 3, Sessions: 1, LastUse: use.LastUse, More: true})
		use, err = s.UseOf(ctx, w.tenant, w.client+"~", 2, now)
		same(t, use, err, storage.ClientUse{})
	})

	t.Run("a user's grants", func(t *testing.T) {
		w := newWorld(t, s)
		for _, id := range []string{"h1", "h2", "h3"} {
			must(t, redeem(ctx, s, aGrant(w.tenant, id, w.user, w.client, w.session)))
		}
		_, err := revoke(ctx, s, w.tenant, storage.GrantFilter{ID: "h2"}, "test", now)
		must(t, err)
		all, err := s.GrantsOf(ctx, w.tenant, w.user, now)
		must(t, err)
		if got, wanted := ids(all, func(g storage.Grant) string { return g.ID }),
			[]string{"h3", "h1", w.grant}; !slices.Equal(got, wanted) {
			t.Errorf("got %q, want %q", got, wanted)
		}
		all, err = s.GrantsOf(ctx, w.tenant, w.user, now.Add(48*time.Hour))
		same(t, all, err, nil)
	})

	t.Run("a program that signs in without end", func(t *testing.T) {
		w := newWorld(t, s)
		var last string
		for i := range storage.MostOfUser {
			last = fmt.Sprintf("y%06d", i)
			must(t, AddSession(ctx, s, aSession(w.tenant, last, w.user)))
			must(t, redeem(ctx, s, aGrant(w.tenant, last, w.user, w.client, w.session)))
		}
		grants, err := s.GrantsOf(ctx, w.tenant, w.user, now)
		must(t, err)
		sessions, err := s.SessionsOf(ctx, w.tenant, w.user, now)
		must(t, err)
		if len(grants) != storage.MostOfUser || grants[0].ID != last || len(sessions) != storage.MostOfUser ||
			sessions[0].ID != last {
			t.Errorf("got %d grants and %d sessions, want the newest %d", len(grants), len(sessions), storage.MostOfUser)
		}
	})
}

// disableUser disables the user of the world. Grants and sessions end by that.
func (w *world) disableUser(t *testing.T) {
	t.Helper()
	u, err := w.s.User(t.Context(), w.tenant, w.user)
	must(t, err)
	u.Disabled = true
	must(t, UpdateUser(t.Context(), w.s, u))
}

// disableClient disables the client of the world. Its grants end by that.
func (w *world) disableClient(t *testing.T) {
	t.Helper()
	c, err := w.s.Client(t.Context(), w.tenant, w.client)
	must(t, err)
	c.Disabled = true
	must(t, w.s.PutClient(t.Context(), c))
}
