package storagetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testEndings checks what a change reports to OnEnd, and that the results of OnEnd are stored with the change.
func testEndings(t *testing.T, s Store) {
	ctx := t.Context()
	// ending makes a change that has the report, and an event for each session and grant in it.
	ending := func(w *world, to *storage.Ended) storage.Change {
		return storage.Change{TenantID: w.tenant, UserID: w.user, Now: now,
			OnEnd: func(e storage.Ended) (mails []storage.Delivery, events []storage.Event) {
				*to = e
				for range len(e.Sessions) + len(e.Grants) {
					mails = append(mails, storage.Delivery{TenantID: w.tenant, ID: newID(), CreatedAt: now,
						NextAt: now.Add(time.Hour)})
					events = append(events, storage.Event{TenantID: w.tenant, ID: newID(), At: now, Kind: storage.EventSessionEnded,
						UserID: w.user})
				}
				return mails, events
			}}
	}
	recorded := func(t *testing.T, w *world, wanted int) {
		t.Helper()
		all, err := s.EventsOf(ctx, w.tenant, w.user, "", 100)
		must(t, err)
		n := 0
		for _, e := range all {
			if e.Kind == storage.EventSessionEnded {
				n++
			}
		}
		if n != wanted {
			t.Errorf("got %d events, want %d", n, wanted)
		}
	}

	t.Run("clients and tenants", func(t *testing.T) {
		w := newWorld(t, s)
		e := func() storage.Event {
			return storage.Event{TenantID: w.tenant, ID: newID(), At: now, Kind: storage.EventSessionEnded, UserID: w.user}
		}
		tenant, err := s.Tenant(ctx, w.tenant)
		must(t, err)
		key := storage.Key{TenantID: w.tenant, ID: "z", Algorithm: "ES256", Sequence: 9, ActiveAt: now, CreatedAt: now}
		must(t, s.AddKeys(ctx, []storage.Key{key}, now, e()))
		must(t, s.PutClient(ctx, aClient(w.tenant, "new"), e()))
		must(t, s.RemoveClient(ctx, w.tenant, "new", now, e()))
		must(t, s.UpdateTenant(ctx, tenant, e()))
		must(t, s.RemoveKey(ctx, w.tenant, "z", e()))
		other := storage.Tenant{ID: newID(), CreatedAt: now}
		must(t, s.AddTenant(ctx, other, e()))
		must(t, s.RemoveTenant(ctx, other.ID, now, e()))
		must(t, s.BeginRestored(ctx, w.tenant, now, now, e()))
		recorded(t, w, 8)
		want(t, s.RemoveClient(ctx, w.tenant, "new", now, e()), storage.ErrNotFound)
		want(t, s.UpdateTenant(ctx, other, e()), storage.ErrNotFound)
		want(t, s.RemoveKey(ctx, w.tenant, "z", e()), storage.ErrNotFound)
		want(t, s.AddKeys(ctx, []storage.Key{{TenantID: w.tenant, ID: "y", Algorithm: "ES256", Sequence: 1}}, now, e()),
			storage.ErrExists)
		want(t, s.AddTenant(ctx, other, e()), storage.ErrExists)
		want(t, s.RemoveTenant(ctx, other.ID, now, e()), storage.ErrNotFound)
		recorded(t, w, 8)
	})

	t.Run("one session", func(t *testing.T) {
		w := newWorld(t, s)
		must(t, redeem(ctx, s, aGrant(w.tenant, "a", w.user, w.other, w.session)))
		must(t, redeem(ctx, s, aGrant(w.tenant, "b", w.user, w.other, w.session)))
		var ended storage.Ended
		c := ending(w, &ended)
		c.EndSessions = &storage.SessionFilter{IDs: []string{w.session, "none"}}
		c.Revoke = []storage.Revocation{{GrantFilter: storage.GrantFilter{UserID: w.user, SessionID: w.session,
			ClientID: w.other}, Why: "test"}}
		must(t, s.Apply(ctx, c))
		if len(ended.Sessions) != 1 || ended.Sessions[0].ID != w.session || ended.Sessions[0].UserID != w.user {
			t.Errorf("got %+v, want the session", ended.Sessions)
		}
		clients := ids(ended.Sessions, func(e storage.EndedSession) string { return e.Clients[0] + " " + e.Clients[1] })
		if len(ended.Sessions[0].Clients) != 2 || clients[0] != w.client+" "+w.other && clients[0] != w.other+" "+w.client {
			t.Errorf("got the clients %q, want both", ended.Sessions[0].Clients)
		}
		if len(ended.Grants) != 2 || ended.Grants[0].ClientID != w.other || ended.Grants[1].SessionID != w.session {
			t.Errorf("got %+v, want two grants", ended.Grants)
		}
		recorded(t, w, 3)
		must(t, s.Apply(ctx, c))
		if len(ended.Sessions)+len(ended.Grants) > 0 {
			t.Errorf("ended again: %+v", ended)
		}
		recorded(t, w, 3)
	})

	t.Run("a session of another user", func(t *testing.T) {
		w := newWorld(t, s)
		var ended storage.Ended
		c := ending(w, &ended)
		c.UserID, c.EndSessions = "another", &storage.SessionFilter{IDs: []string{w.session}}
		must(t, s.Apply(ctx, c))
		_, _, err := s.Session(ctx, w.tenant, w.session, now)
		must(t, err)
	})

	t.Run("all but one", func(t *testing.T) {
		w := newWorld(t, s)
		must(t, AddSession(ctx, s, aSession(w.tenant, "x", w.user)))
		var ended storage.Ended
		c := ending(w, &ended)
		c.EndSessions = &storage.SessionFilter{Except: "x"}
		must(t, s.Apply(ctx, c))
		same(t, ids(ended.Sessions, func(e storage.EndedSession) string { return e.ID }), nil, []string{w.session})
		same(t, ended.Sessions[0].Clients, nil, []string{w.client})
		recorded(t, w, 1)
	})

	t.Run("a consent", func(t *testing.T) {
		w := newWorld(t, s)
		allow := storage.Consent{TenantID: "another", UserID: "another", ClientID: w.other,
			Scopes: []string{"a"}, GrantedAt: now}
		must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, Consent: &allow}))
		got, err := s.Consent(ctx, w.tenant, w.user, w.other)
		must(t, err)
		same(t, got.Scopes, err, allow.Scopes)
		var ended storage.Ended
		c := ending(w, &ended)
		c.Withdraw = w.client
		must(t, s.Apply(ctx, c))
		same(t, ids(ended.Grants, func(e storage.EndedGrant) string { return e.ID }), nil, []string{w.grant})
		want(t, s.Apply(ctx, c), storage.ErrNotFound)
		recorded(t, w, 1)
		all := storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, Withdraw: storage.AllIDs}
		must(t, redeem(ctx, s, aGrant(w.tenant, "again", w.user, w.client, "")))
		must(t, s.Apply(ctx, all))
		must(t, s.Apply(ctx, all))
		consents, err := s.ConsentsOf(ctx, w.tenant, w.user)
		same(t, consents, err, nil)
		_, _, err = s.LiveGrant(ctx, w.tenant, "again", "", now, nil)
		want(t, err, storage.ErrNotFound)
		allow.ClientID = "nothing"
		want(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, Consent: &allow}),
			storage.ErrNotFound)
	})

	// dead adds sessions that have ended in other ways, which no notice is sent for again.
	dead := func(t *testing.T, w *world) {
		t.Helper()
		expired, older := aSession(w.tenant, "expired", w.user), aSession(w.tenant, "older", w.user)
		expired.ExpiresAt, older.CredentialVersion = now, 0
		must(t, AddSession(ctx, s, expired))
		must(t, AddSession(ctx, s, older))
	}
	sessions := func(e storage.Ended) []string {
		all := ids(e.Sessions, func(e storage.EndedSession) string { return e.ID })
		slices.Sort(all)
		return all
	}

	t.Run("all by another version", func(t *testing.T) {
		w := newWorld(t, s)
		dead(t, w)
		var ended storage.Ended
		c := ending(w, &ended)
		c.Raise = true
		next := aSession(w.tenant, "next", w.user)
		next.CredentialVersion = 2
		c.AddSession = &next
		must(t, s.Apply(ctx, c))
		same(t, sessions(ended), nil, []string{w.session})
		same(t, ended.Sessions[0].Clients, nil, []string{w.client})
		recorded(t, w, 1)
		_, _, err := s.Session(ctx, w.tenant, next.ID, now)
		must(t, err)

		// A change that names one session ends the others as well.
		c.AddSession, c.EndSessions = nil, &storage.SessionFilter{IDs: []string{"none"}}
		must(t, s.Apply(ctx, c))
		same(t, sessions(ended), nil, []string{next.ID})
	})

	t.Run("the user", func(t *testing.T) {
		w := newWorld(t, s)
		dead(t, w)
		must(t, AddSession(ctx, s, aSession(w.tenant, "x", w.user)))
		var ended storage.Ended
		c := ending(w, &ended)
		c.Remove = true
		must(t, s.Apply(ctx, c))
		same(t, sessions(ended), nil, []string{w.session, "x"})
		recorded(t, w, 2)
		want(t, s.Apply(ctx, c), storage.ErrNotFound)
		recorded(t, w, 2)
	})

	t.Run("many", func(t *testing.T) {
		for name, end := range map[string]func(c *storage.Change){
			"end":    func(c *storage.Change) { c.EndSessions = &storage.SessionFilter{} },
			"raise":  func(c *storage.Change) { c.Raise = true },
			"remove": func(c *storage.Change) { c.Remove = true },
			"revoke": func(c *storage.Change) {
				c.Revoke = []storage.Revocation{{GrantFilter: storage.GrantFilter{UserID: c.UserID}, Why: "test"}}
			},
			"revoke of a client": func(c *storage.Change) {
				c.Revoke = []storage.Revocation{{GrantFilter: storage.GrantFilter{ClientID: "client"}, Why: "test"}}
			},
		} {
			w := newWorld(t, s)
			w.crowd(t)
			dead(t, w)
			all, first, later := map[string]int{}, 0, 0
			c := storage.Change{TenantID: w.tenant, UserID: w.user, Now: now,
				OnEnd: func(e storage.Ended) ([]storage.Delivery, []storage.Event) {
					for _, id := range append(sessions(e), ids(e.Grants, func(g storage.EndedGrant) string { return g.ID })...) {
						all[id]++
					}
					if e.Later {
						later++
					} else {
						first++
					}
					return nil, []storage.Event{{TenantID: w.tenant, ID: newID(), At: now, Kind: storage.EventSessionEnded,
						UserID: w.user}}
				}}
			end(&c)
			must(t, s.Apply(ctx, c))
			if len(all) != large+1 || all["older"]+all["expired"] > 0 {
				t.Errorf("%s: told of %d, want the %d that were alive", name, len(all), large+1)
			}
			if first != 1 || later == 0 {
				t.Errorf("%s: got %d changes and %d parts after them, want one and some", name, first, later)
			}
			recorded(t, w, first+later)
		}
	})

	t.Run("by another process", func(t *testing.T) {
		w := newWorld(t, s)
		w.crowd(t)
		gone, cancel := context.WithCancel(ctx)
		all := map[string]int{}
		told := func(e storage.Ended) ([]storage.Delivery, []storage.Event) {
			for _, id := range sessions(e) {
				all[id]++
			}
			return nil, nil
		}
		c := storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, Remove: true,
			OnEnd: func(e storage.Ended) ([]storage.Delivery, []storage.Event) {
				defer cancel() // nothing is gone on with after the change
				return told(e)
			}}
		must(t, s.Apply(gone, c))
		if n := len(all); n == 0 || n > large {
			t.Errorf("the change told of %d sessions, want some", n)
		}
		must(t, s.CarryOn(ctx, storage.Removal{TenantID: w.tenant, Kind: storage.RemovalUser, ID: w.user}, nil, told))
		if len(all) != large+1 {
			t.Errorf("told of %d sessions, want %d", len(all), large+1)
		}
	})

	t.Run("what a backup has brought back", func(t *testing.T) {
		w := newWorld(t, s)
		dead(t, w)
		must(t, s.BeginRestored(ctx, w.tenant, now, now))
		var all storage.Ended
		r := storage.Removal{TenantID: w.tenant, Kind: storage.RemovalRestored}
		must(t, s.CarryOn(ctx, r, nil, func(e storage.Ended) ([]storage.Delivery, []storage.Event) {
			all.Sessions, all.Grants = append(all.Sessions, e.Sessions...), append(all.Grants, e.Grants...)
			return nil, nil
		}))
		same(t, sessions(all), nil, []string{w.session})
		same(t, ids(all.Grants, func(g storage.EndedGrant) string { return g.ID }), nil, []string{w.grant})
	})

	t.Run("whole or not at all", func(t *testing.T) {
		w := newWorld(t, s)
		var ended storage.Ended
		c := ending(w, &ended)
		c.EndSessions, c.Withdraw = &storage.SessionFilter{}, w.other // never allowed
		want(t, s.Apply(ctx, c), storage.ErrNotFound)
		_, _, err := s.Session(ctx, w.tenant, w.session, now)
		must(t, err)
		recorded(t, w, 0)
	})
}
