package storagetest

import (
	"context"
	"slices"
	"strconv"
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

// hears stores the client as one that hears of logouts, and returns it.
func (w *world) hears(t *testing.T, id string) storage.ClientOf {
	t.Helper()
	c := aClient(w.tenant, id)
	c.BackchannelLogoutURI = "https://" + id + ".example/logout"
	must(t, w.s.PutClient(t.Context(), c))
	return storage.ClientOf{TenantID: w.tenant, ClientID: id}
}

// told returns the sessions of whose end the client is or was told, oldest first.
func (w *world) told(t *testing.T, c storage.ClientOf) (sessions []string) {
	t.Helper()
	all, err := w.s.Logouts(t.Context(), c, storage.LogoutPlace{}, 1000)
	must(t, err)
	for _, l := range slices.Backward(all) {
		if l.UserID != w.user {
			t.Errorf("got a session of user %q", l.UserID)
		}
		sessions = append(sessions, l.SessionID)
	}
	return sessions
}

// testLogouts ends sessions in every way, and has the clients told that took part in them: all of them, and no others.
func testLogouts(t *testing.T, s Store) {
	ctx := t.Context()
	for name, end := range map[string]func(t *testing.T, w *world) error{
		"by id": func(_ *testing.T, w *world) error {
			return s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now,
				EndSessions: &storage.SessionFilter{IDs: []string{w.session}}})
		},
		"all": func(_ *testing.T, w *world) error { return endSessions(ctx, s, w.tenant, w.user, "") },
		"a new credential version": func(_ *testing.T, w *world) error {
			return s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, Raise: true})
		},
		"its user is removed": func(_ *testing.T, w *world) error {
			return s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, Remove: true})
		},
		"its grants are revoked, too": func(_ *testing.T, w *world) error {
			return s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now,
				EndSessions: &storage.SessionFilter{}, Withdraw: storage.AllIDs})
		},
		"it has expired": func(t *testing.T, w *world) error {
			_, err := s.Sweep(ctx, now.Add(50*time.Hour))
			return err
		},
		"it has expired after its grants": func(t *testing.T, w *world) error {
			sess := aSession(w.tenant, "later", w.user)
			sess.ExpiresAt = now.Add(72 * time.Hour)
			must(t, AddSession(ctx, s, sess))
			must(t, redeem(ctx, s, aGrant(w.tenant, "later", w.user, "hearing", "later")))
			_, err := s.Sweep(ctx, now.Add(50*time.Hour))
			must(t, err)
			must(t, endSessions(ctx, s, w.tenant, w.user, ""))
			if got := w.told(t, storage.ClientOf{TenantID: w.tenant, ClientID: "hearing"}); !slices.Contains(got, "later") {
				t.Errorf("got %q, want also the session whose grant had expired before", got)
			}
			return nil
		},
		"a backup was restored": func(t *testing.T, w *world) error {
			must(t, s.BeginRestored(ctx, w.tenant, now.Add(time.Minute), now.Add(time.Minute)))
			held, err := s.HoldRemoval(ctx, w.tenant, storage.RemovalRestored, "", now.Add(time.Hour))
			must(t, err)
			return s.CarryOn(ctx, held, nil, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, s)
			hearing, idle := w.hears(t, "hearing"), w.hears(t, "idle")
			must(t, redeem(ctx, s, aGrant(w.tenant, "a", w.user, "hearing", w.session)))
			must(t, redeem(ctx, s, aGrant(w.tenant, "b", w.user, "hearing", w.session)))
			must(t, end(t, w))
			if got := w.told(t, hearing); !slices.Contains(got, w.session) || name[:2] != "it" && len(got) != 1 {
				t.Errorf("got %q, want the session once", got)
			}
			if got := w.told(t, idle); len(got) > 0 {
				t.Errorf("a client that took no part was told of %q", got)
			}
			for _, silent := range []string{w.client, w.other} {
				if got := w.told(t, storage.ClientOf{TenantID: w.tenant, ClientID: silent}); len(got) > 0 {
					t.Errorf("a client that hears of nothing was told of %q", got)
				}
			}
		})
	}
	t.Run("many at once", func(t *testing.T) {
		w := newWorld(t, s)
		hearing := w.hears(t, "hearing")
		const many = 30
		for i := range many {
			id := "s" + strconv.Itoa(i)
			must(t, AddSession(ctx, s, aSession(w.tenant, id, w.user)))
			must(t, redeem(ctx, s, aGrant(w.tenant, id, w.user, "hearing", id)))
		}
		must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, Remove: true}))
		if got := w.told(t, hearing); len(got) != many {
			t.Errorf("the client is told of %d sessions, want of each of %d", len(got), many)
		}
	})
	t.Run("a failed change", func(t *testing.T) {
		w := newWorld(t, s)
		hearing := w.hears(t, "hearing")
		must(t, redeem(ctx, s, aGrant(w.tenant, "a", w.user, "hearing", w.session)))
		want(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now,
			EndSessions: &storage.SessionFilter{}, Withdraw: "none"}), storage.ErrNotFound)
		if got := w.told(t, hearing); len(got) > 0 {
			t.Errorf("the client is told of %q, which has not ended", got)
		}
	})
	t.Run("of another client before it", func(t *testing.T) {
		w := newWorld(t, s)
		w.hears(t, "hearing")
		must(t, redeem(ctx, s, aGrant(w.tenant, "a", w.user, "hearing", w.session)))
		must(t, s.RemoveClient(ctx, w.tenant, "hearing", now))
		hearing := w.hears(t, "hearing")
		must(t, endSessions(ctx, s, w.tenant, w.user, ""))
		if got := w.told(t, hearing); len(got) > 0 {
			t.Errorf("the client is told of %q, where its predecessor was", got)
		}
	})
	t.Run("in order", func(t *testing.T) { testLogoutOrder(t, s) })
}

// testLogoutOrder has one worker tell a client of one session after the other, in the order in which they ended.
func testLogoutOrder(t *testing.T, s Store) {
	ctx, w := t.Context(), newWorld(t, s)
	c := w.hears(t, "hearing")
	for i, id := range []string{"z", "m", "a"} {
		must(t, AddSession(ctx, s, aSession(w.tenant, id, w.user)))
		must(t, redeem(ctx, s, aGrant(w.tenant, id, w.user, "hearing", id)))
		must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now.Add(time.Duration(i) * time.Second),
			EndSessions: &storage.SessionFilter{IDs: []string{id}}}))
	}
	at := now.Add(time.Minute)
	due, heard, err := s.WaitingClients(ctx, at)
	must(t, err)
	if !heard || !slices.Contains(due, c) {
		t.Fatalf("got %v %v, want the client", due, heard)
	}
	first, err := s.ClaimLogout(ctx, c, at, at.Add(time.Minute))
	must(t, err)
	if first.SessionID != "z" || first.Attempts != 1 || first.State() != storage.StateWaiting ||
		!first.EndedAt.Equal(now) {
		t.Fatalf("got %+v, want the first", first)
	}
	_, err = s.ClaimLogout(ctx, c, at, at.Add(time.Minute)) // it is claimed, and the others wait
	want(t, err, storage.ErrNotFound)
	if due, _, err := s.WaitingClients(ctx, at); err != nil || slices.Contains(due, c) {
		t.Errorf("got %v %v while the first is claimed", due, err)
	}
	late := first
	first.NextAt, first.Status, first.Answer = at.Add(time.Hour), 503, "busy"
	must(t, s.NoteLogout(ctx, first))
	_, err = s.ClaimLogout(ctx, c, at.Add(time.Minute), at.Add(2*time.Minute)) // nor does the second come before the first
	want(t, err, storage.ErrNotFound)
	at = at.Add(2 * time.Hour)
	first, err = s.ClaimLogout(ctx, c, at, at.Add(time.Minute))
	must(t, err)
	late.DoneAt = at
	must(t, s.NoteLogout(ctx, late)) // another worker's claim
	if first.SessionID != "z" || first.Attempts != 2 || first.Status != 503 {
		t.Fatalf("got %+v, want the first again", first)
	}
	first.DoneAt, first.Status, first.Took = at, 200, 5*time.Millisecond
	must(t, s.NoteLogout(ctx, first))
	second, err := s.ClaimLogout(ctx, c, at, at.Add(time.Minute))
	must(t, err)
	second.DoneAt, second.Dead, second.Status = at, true, 400
	must(t, s.NoteLogout(ctx, second))
	same(t, w.told(t, c), nil, []string{"z", "m", "a"})
	log, err := s.Logouts(ctx, c, storage.LogoutPlace{}, 2)
	must(t, err)
	more, err := s.Logouts(ctx, c, log[1].Place(), 2)
	must(t, err)
	if len(more) != 1 || more[0].State() != storage.StateDelivered || more[0].Took != 5*time.Millisecond ||
		log[1].State() != storage.StateDead || !log[0].NextAt.IsZero() {
		t.Errorf("got %+v and %+v", log, more)
	}
	n, err := s.ReplayLogouts(ctx, c, "z", time.Time{}, time.Time{}, at)
	must(t, err)
	all, err := s.ReplayLogouts(ctx, c, "", now.Add(time.Second), at, at)
	must(t, err)
	if n != 1 || all != 1 {
		t.Errorf("replayed %d and %d, want one each: what waits is left alone", n, all)
	}
	if again, err := s.ClaimLogout(ctx, c, at, at.Add(time.Minute)); err != nil || again.SessionID != "z" {
		t.Errorf("got %+v %v, want the first once more", again, err)
	}
	elsewhere := storage.ClientOf{TenantID: newTenant(t, s), ClientID: "hearing"}
	if n, err := s.ReplayLogouts(ctx, elsewhere, "m", now, at, at); n != 0 || err != nil {
		t.Errorf("replayed %d of another tenant: %v", n, err)
	}
	_, err = s.Sweep(ctx, at.Add(40*24*time.Hour))
	must(t, err)
	if got := w.told(t, c); len(got) > 0 {
		t.Errorf("%q are still kept", got)
	}
}
