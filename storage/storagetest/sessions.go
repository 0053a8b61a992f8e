package storagetest

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testSessions begins, renews and ends sessions. A session is not found once it has ended or expired, or once its user
// is disabled, removed or has new credentials.
func testSessions(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	person, err := s.User(ctx, w.tenant, w.user)
	must(t, err)
	full := filled[storage.Session]()
	full.TenantID, full.UserID, full.CredentialVersion, full.EndedAt = w.tenant, w.user, 1, time.Time{}
	full.Act = nil // testActing has those
	// Ahead of time it would not live.
	full.CreatedAt, full.AuthTime, full.SeenAt = now.Add(-2*time.Hour), now.Add(-time.Hour), now.Add(-time.Minute)
	must(t, AddSession(ctx, s, full))
	got, u, err := s.Session(ctx, w.tenant, full.ID, now)
	same(t, got, err, full)
	same(t, u, err, person)
	want(t, AddSession(ctx, s, full), storage.ErrExists)
	want(t, AddSession(ctx, s, aSession(w.tenant, newID(), "nobody")), storage.ErrNotFound)

	t.Run("seen", func(t *testing.T) {
		later := full.SeenAt.Add(time.Minute)
		must(t, s.SeenSession(ctx, w.tenant, full.ID, later))
		must(t, s.SeenSession(ctx, w.tenant, full.ID, later.Add(-time.Second))) // an answer that was late
		got, _, err := s.Session(ctx, w.tenant, full.ID, now)
		must(t, err)
		if got.SeenAt != later {
			t.Errorf("got %v, want %v", got.SeenAt, later)
		}
		want(t, s.SeenSession(ctx, w.tenant, "none", now), storage.ErrNotFound)
	})

	t.Run("what kills it", func(t *testing.T) {
		for name, kill := range map[string]func(w *world) (at time.Time){
			"end":    func(w *world) time.Time { must(t, endSession(ctx, s, w.tenant, w.session)); return now },
			"expiry": func(w *world) time.Time { return now.Add(24 * time.Hour) },
			"disabled": func(w *world) time.Time {
				u, err := s.User(ctx, w.tenant, w.user)
				must(t, err)
				u.Disabled = true
				must(t, UpdateUser(ctx, s, u))
				return now
			},
			"password": func(w *world) time.Time {
				must(t, ChangeCredential(ctx, s, aPassword(w.tenant, w.user, "new")))
				return now
			},
			"removal": func(w *world) time.Time { must(t, RemoveUser(ctx, s, w.tenant, w.user, now)); return now },
		} {
			w := newWorld(t, s)
			at := kill(w)
			if _, _, err := s.Session(ctx, w.tenant, w.session, at); err == nil {
				t.Errorf("%s: the session lives", name)
			}
			if all, err := s.SessionsOf(ctx, w.tenant, w.user, at); err != nil || len(all) > 0 {
				t.Errorf("%s: got %v, %v, want no sessions", name, all, err)
			}
		}
	})

	t.Run("end", func(t *testing.T) {
		w := newWorld(t, s)
		other := aUser(w.tenant, newID())
		must(t, AddUser(ctx, s, other, nil, nil))
		all := []string{"x1", "x2", "x3"}
		for _, id := range all {
			must(t, AddSession(ctx, s, aSession(w.tenant, id, w.user)))
		}
		must(t, AddSession(ctx, s, aSession(w.tenant, "other's", other.ID)))
		living := func(user string, wanted ...string) {
			t.Helper()
			got, err := s.SessionsOf(ctx, w.tenant, user, now)
			must(t, err)
			if names := ids(got, func(s storage.Session) string { return s.ID }); !slices.Equal(names, wanted) {
				t.Errorf("got %q, want %q", names, wanted)
			}
		}
		living(w.user, "x3", "x2", "x1", w.session) // newest first
		must(t, endSession(ctx, s, w.tenant, "x3"))
		must(t, endSession(ctx, s, w.tenant, "x3")) // twice is as good as once
		must(t, endSession(ctx, s, w.tenant, "none"))
		living(w.user, "x2", "x1", w.session)
		want(t, endSessions(ctx, s, w.tenant, w.user, "x3"), storage.ErrStale) // it has ended
		want(t, endSessions(ctx, s, w.tenant, w.user, "other's"), storage.ErrStale)
		living(w.user, "x2", "x1", w.session)
		must(t, endSessions(ctx, s, w.tenant, w.user, "x1"))
		living(w.user, "x1")
		must(t, endSessions(ctx, s, w.tenant, w.user, ""))
		living(w.user)
		living(other.ID, "other's")
	})

	t.Run("two that end each other", func(t *testing.T) {
		w := newWorld(t, s)
		for range 20 {
			both := [2]string{newID(), newID()}
			for _, id := range both {
				must(t, AddSession(ctx, s, aSession(w.tenant, id, w.user)))
			}
			var ended [2]error
			var wg sync.WaitGroup
			for i, id := range both {
				wg.Go(func() { ended[i] = endSessions(ctx, s, w.tenant, w.user, id) })
			}
			wg.Wait()
			left, err := s.SessionsOf(ctx, w.tenant, w.user, now)
			must(t, err)
			if (ended[0] == nil) == (ended[1] == nil) || len(left) != 1 {
				t.Fatalf("ended with %v and left %d sessions, want one refused and the other left", ended, len(left))
			}
		}
	})

	t.Run("renew", func(t *testing.T) {
		w := newWorld(t, s)
		was := aSession(w.tenant, w.session, w.user)
		next := filled[storage.Session]()
		next.TenantID, next.ID, next.UserID, next.CredentialVersion = w.tenant, w.session, w.user, 1
		next.AuthTime, next.SeenAt, next.EndedAt, next.Act = now, now.Add(time.Minute), time.Time{}, nil
		want(t, RenewSession(ctx, s, next, []byte("another secret")), storage.ErrStale)
		must(t, RenewSession(ctx, s, next, was.SecretHash))
		want(t, RenewSession(ctx, s, next, was.SecretHash), storage.ErrStale)
		next.CreatedAt = was.CreatedAt
		got, _, err := s.Session(ctx, w.tenant, w.session, now)
		same(t, got, err, next)
		if _, _, err := s.LiveGrant(ctx, w.tenant, w.grant, "", now, nil); err != nil {
			t.Errorf("the session's grant has died: %v", err)
		}
		other := aUser(w.tenant, newID())
		must(t, AddUser(ctx, s, other, nil, nil))
		stolen := next
		stolen.UserID = other.ID
		want(t, RenewSession(ctx, s, stolen, next.SecretHash), storage.ErrStale)
		must(t, endSession(ctx, s, w.tenant, w.session))
		want(t, RenewSession(ctx, s, next, next.SecretHash), storage.ErrStale)
	})

	t.Run("with an event", func(t *testing.T) {
		w := newWorld(t, s)
		event := func() []storage.Event {
			return []storage.Event{{TenantID: w.tenant, ID: newID(), At: now, Kind: storage.EventLoginSucceeded, UserID: w.user}}
		}
		var wanted []storage.Event // the newest first
		recorded := func() {
			t.Helper()
			all, err := s.Events(ctx, w.tenant, "", 9)
			must(t, err)
			var got []storage.Event
			for _, e := range all {
				if e.Kind == storage.EventLoginSucceeded {
					got = append(got, e)
				}
			}
			same(t, got, nil, wanted)
		}
		sess := aSession("another", "told", "another") // the change says whose it is
		add := storage.Change{TenantID: w.tenant, UserID: w.user, Now: now, AddSession: &sess, Events: event()}
		must(t, s.Apply(ctx, add))
		wanted = add.Events
		recorded()
		got, _, err := s.Session(ctx, w.tenant, sess.ID, now)
		sess.TenantID, sess.UserID = w.tenant, w.user
		same(t, got, err, sess)
		want(t, s.Apply(ctx, add), storage.ErrExists)

		// Neither without the other.
		other := aSession(w.tenant, "untold", w.user)
		add.AddSession = &other
		want(t, s.Apply(ctx, add), storage.ErrExists)
		_, _, err = s.Session(ctx, w.tenant, other.ID, now)
		want(t, err, storage.ErrNotFound)
		renewed := aSession(w.tenant, sess.ID, w.user)
		renewed.SecretHash = []byte("new")
		renew := storage.Change{
			TenantID: w.tenant, UserID: w.user, Now: now, Events: event(),
			RenewSession: &storage.SessionRenewal{Session: renewed, Was: []byte("wrong")},
		}
		want(t, s.Apply(ctx, renew), storage.ErrStale)
		recorded()
		renew.RenewSession.Was = sess.SecretHash
		must(t, s.Apply(ctx, renew))
		wanted = slices.Concat(renew.Events, wanted)
		recorded()

		// With more than that in the change.
		u := aUser(w.tenant, newID())
		n := aSession(w.tenant, "first", u.ID)
		must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: u.ID, Now: now, Add: &u, AddSession: &n}))
		_, who, err := s.Session(ctx, w.tenant, n.ID, now)
		same(t, who, err, u)
		n.ID = "second"
		must(t, s.Apply(ctx, storage.Change{
			TenantID: w.tenant, UserID: u.ID, Now: now, AddSession: &n, EndSessions: &storage.SessionFilter{Except: n.ID},
		}))
		left, err := s.SessionsOf(ctx, w.tenant, u.ID, now)
		must(t, err)
		same(t, ids(left, func(n storage.Session) string { return n.ID }), nil, []string{"second"})
	})

	t.Run("an expired or outdated one is not renewed", func(t *testing.T) {
		w := newWorld(t, s)
		was := aSession(w.tenant, w.session, w.user)
		late := was
		late.SeenAt, late.ExpiresAt = was.ExpiresAt, was.ExpiresAt.Add(time.Hour)
		want(t, RenewSession(ctx, s, late, was.SecretHash), storage.ErrStale)
		must(t, ChangeCredential(ctx, s, aPassword(w.tenant, w.user, "new")))
		was.CredentialVersion = 2
		want(t, RenewSession(ctx, s, was, was.SecretHash), storage.ErrStale)
	})
}

// testConsents stores consents, replaces them, and withdraws them with what the client was given.
func testConsents(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	full := filled[storage.Consent]()
	full.TenantID, full.UserID, full.ClientID = w.tenant, w.user, w.client
	must(t, PutConsent(ctx, s, full))
	got, err := s.Consent(ctx, w.tenant, w.user, w.client)
	same(t, got, err, full)
	less := storage.Consent{TenantID: w.tenant, UserID: w.user, ClientID: w.client, GrantedAt: now}
	must(t, PutConsent(ctx, s, less))
	got, err = s.Consent(ctx, w.tenant, w.user, w.client)
	same(t, got, err, less)
	other := storage.Consent{TenantID: w.tenant, UserID: w.user, ClientID: w.other, GrantedAt: now}
	must(t, PutConsent(ctx, s, other))
	all, err := s.ConsentsOf(ctx, w.tenant, w.user)
	same(t, all, err, []storage.Consent{less, other})
	_, err = s.Consent(ctx, w.tenant, "nobody", w.client)
	want(t, err, storage.ErrNotFound)
	for _, c := range []storage.Consent{
		{TenantID: w.tenant, UserID: "nobody", ClientID: w.client},
		{TenantID: w.tenant, UserID: w.user, ClientID: "nothing"},
	} {
		want(t, PutConsent(ctx, s, c), storage.ErrNotFound)
	}

	// What was given to the other client stays.
	must(t, redeem(ctx, s, aGrant(w.tenant, "other's", w.user, w.other, "")))
	must(t, withdraw(ctx, s, w.tenant, w.user, w.client))
	_, err = s.Consent(ctx, w.tenant, w.user, w.client)
	want(t, err, storage.ErrNotFound)
	g, err := s.Grant(ctx, w.tenant, w.grant)
	must(t, err)
	if !g.RevokedAt.Equal(now) {
		t.Errorf("the grant was revoked at %v, want %v", g.RevokedAt, now)
	}
	_, _, err = s.LiveGrant(ctx, w.tenant, "other's", "", now, nil)
	must(t, err)
	want(t, withdraw(ctx, s, w.tenant, w.user, w.client), storage.ErrNotFound)
	must(t, redeem(ctx, s, aGrant(w.tenant, "without consent", w.user, w.client, "")))
	must(t, withdraw(ctx, s, w.tenant, w.user, w.client))

	// Of several that withdraw one at once, one does.
	for _, revokes := range []bool{false, true} {
		for i := range 20 {
			must(t, PutConsent(ctx, s, full))
			if revokes {
				must(t, redeem(ctx, s, aGrant(w.tenant, "again "+strconv.Itoa(i), w.user, w.client, "")))
			}
			oneWinner(t, race(racers, func(int) error {
				return withdraw(ctx, s, w.tenant, w.user, w.client)
			}), storage.ErrNotFound)
		}
	}
}
