package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/storage"
)

// large is how many rows are surely not removed in one transaction.
const large = 450

// crowd has the user sign in often, and allow the client as much.
func (w *world) crowd(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	for _, err := range race(large, func(i int) error {
		session := fmt.Sprintf("s-%03d", i)
		g := aGrant(w.tenant, fmt.Sprintf("g-%03d", i), w.user, w.client, session)
		g.Offline = true
		return errors.Join(AddSession(ctx, w.s, aSession(w.tenant, session, w.user)), redeem(ctx, w.s, g))
	}) {
		must(t, err)
	}
}

// alive returns how many grants of the crowd live, and how many are stored.
func (w *world) alive(t *testing.T) (live, stored int) {
	t.Helper()
	for i := range large {
		id := fmt.Sprintf("g-%03d", i)
		if _, _, err := w.s.LiveGrant(t.Context(), w.tenant, id, "", now, nil); err == nil {
			live++
		}
		if _, err := w.s.Grant(t.Context(), w.tenant, id); err == nil {
			stored++
		}
	}
	return live, stored
}

// wantAlive fails the test unless so many grants live, and so many are stored.
func (w *world) wantAlive(t *testing.T, live, stored int) {
	t.Helper()
	gotLive, gotStored := w.alive(t)
	if gotLive != live || gotStored != stored {
		t.Errorf("got %d live grants of %d stored, want %d of %d", gotLive, gotStored, live, stored)
	}
}

// testLargeClient removes a client with many grants and stores it again at once.
func testLargeClient(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	w.crowd(t)
	must(t, s.RemoveClient(ctx, w.tenant, w.client, now))
	want(t, s.RemoveClient(ctx, w.tenant, w.client, now), storage.ErrNotFound)
	_, err := s.Client(ctx, w.tenant, w.client)
	want(t, err, storage.ErrNotFound)
	all, err := s.Clients(ctx, w.tenant, "", 10)
	same(t, ids(all, func(c storage.Client) string { return c.ClientID }), err, []string{w.other})
	if ok, err := s.AllowsOrigin(ctx, w.tenant, "https://client.example.com"); ok || err != nil {
		t.Errorf("got %v, %v for the origin of a removed client, want false", ok, err)
	}
	dead := func() {
		t.Helper()
		w.wantAlive(t, 0, large)
		_, _, err = s.Rotate(ctx, w.tenant, w.grant, w.client, 1, now.Add(time.Hour), now, nil)
		want(t, err, storage.ErrStale)
		_, err = s.Consent(ctx, w.tenant, w.user, w.client)
		want(t, err, storage.ErrNotFound)
		consents, err := s.ConsentsOf(ctx, w.tenant, w.user)
		same(t, consents, err, nil)
	}
	dead()
	consent := storage.Consent{TenantID: w.tenant, UserID: w.user, ClientID: w.client, GrantedAt: now}
	want(t, redeem(ctx, s, aGrant(w.tenant, "late", w.user, w.client, w.session)), storage.ErrNotFound)
	want(t, PutConsent(ctx, s, consent), storage.ErrNotFound)

	// Another client of that name.
	again := aClient(w.tenant, w.client)
	again.CreatedAt = now.Add(time.Hour)
	must(t, s.PutClient(ctx, again))
	got, err := s.Client(ctx, w.tenant, w.client)
	same(t, got, err, again)
	dead()
	consented := aGrant(w.tenant, "consented", w.user, w.client, w.session)
	consented.Consented = true
	want(t, redeem(ctx, s, consented), storage.ErrNotFound) // to the one before it
	must(t, PutConsent(ctx, s, consent))
	must(t, redeem(ctx, s, consented))
	must(t, redeem(ctx, s, aGrant(w.tenant, "a-new", w.user, w.client, w.session)))

	w.finish(t, storage.RemovalClient, w.client)
	w.wantAlive(t, 0, 0)
	got, err = s.Client(ctx, w.tenant, w.client)
	same(t, got, err, again)
	for _, id := range []string{"consented", "a-new"} {
		if _, _, err := s.LiveGrant(ctx, w.tenant, id, "", now, nil); err != nil {
			t.Errorf("%s: got %v, want it alive", id, err)
		}
	}
	_, err = s.Consent(ctx, w.tenant, w.user, w.client)
	must(t, err)
	must(t, s.RemoveClient(ctx, w.tenant, w.client, now))
	_, err = s.Grant(ctx, w.tenant, "a-new")
	want(t, err, storage.ErrNotFound)
}

// testLargePerson removes a user with many sessions and grants.
func testLargePerson(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	w.crowd(t)
	must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, AppLogin: &storage.AppLogin{Login: "jo"}}))
	must(t, RemoveUser(ctx, s, w.tenant, w.user, now))
	want(t, RemoveUser(ctx, s, w.tenant, w.user, now), storage.ErrNotFound)
	w.wantAlive(t, 0, large)
	for _, name := range []string{
		"User", "UserByEmail", "UserByUsername", "UserByPhone", "Users", "UsersIn", "Credential", "CredentialsOf",
		"SomeCredentials", "UserPassword",
		"Identity", "IdentitiesOf", "Session", "SessionsOf", "LiveGrant", "GrantsOf",
	} {
		if got, err := w.reads()[name](ctx); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: got %+v, %v of a removed user, want %v", name, got, err, storage.ErrNotFound)
		}
	}
	u := aUser(w.tenant, w.user)
	want(t, UpdateUser(ctx, s, u), storage.ErrNotFound)
	want(t, ChangeCredential(ctx, s, aPassword(w.tenant, w.user, "new")), storage.ErrNotFound)
	want(t, AddUser(ctx, s, u, nil, nil), storage.ErrExists)
	// What was theirs is free.
	u = aUser(w.tenant, "another")
	u.EmailKey, u.UsernameKey = "jo@example.com", "jo"
	must(t, AddUser(ctx, s, u, nil, nil))
	must(t, AddIdentity(ctx, s, storage.Identity{TenantID: w.tenant, Provider: "google", Subject: "1", UserID: u.ID}))
	must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: u.ID, AppLogin: &storage.AppLogin{Login: "jo"}}))

	w.finish(t, storage.RemovalUser, w.user)
	w.wantAlive(t, 0, 0)
	want(t, AddUser(ctx, s, aUser(w.tenant, w.user), nil, nil), storage.ErrExists)
	want(t, AddSession(ctx, s, aSession(w.tenant, "late", w.user)), storage.ErrNotFound)
}

// testLargeRevocations ends more than goes in one transaction, by each way of naming it.
func testLargeRevocations(t *testing.T, s Store) {
	ctx := t.Context()
	for name, end := range map[string]func(w *world) error{
		"consent": func(w *world) error { return withdraw(ctx, s, w.tenant, w.user, w.client) },
		"user": func(w *world) error {
			n, err := revoke(ctx, s, w.tenant, storage.GrantFilter{UserID: w.user}, "test", now)
			if n == 0 || n >= large { // the rest was revoked in parts after the change
				t.Errorf("the change says that it revoked %d grants, want some of them", n)
			}
			return err
		},
		"client": func(w *world) error { // and no OnEnd
			which := storage.Revocation{GrantFilter: storage.GrantFilter{ClientID: w.client}, Why: "test"}
			return s.Apply(ctx, storage.Change{TenantID: w.tenant, Now: now, Revoke: []storage.Revocation{which}})
		},
	} {
		w := newWorld(t, s)
		w.crowd(t)
		g := aGrant(w.tenant, "others'", w.user, w.other, w.session)
		must(t, redeem(ctx, s, g))
		must(t, end(w))
		w.wantAlive(t, 0, large)
		_, err := s.HoldRemoval(ctx, w.tenant, storage.RemovalGrants, `{}`, now)
		want(t, err, storage.ErrNotFound)
		if _, _, err := s.LiveGrant(ctx, w.tenant, g.ID, "", now, nil); (err == nil) == (name == "user") {
			t.Errorf("%s: got %v for another client's grant", name, err)
		}
	}

	t.Run("of one session", func(t *testing.T) {
		w := newWorld(t, s)
		for _, err := range race(large, func(i int) error {
			g := aGrant(w.tenant, fmt.Sprintf("g-%03d", i), w.user, w.client, w.session)
			g.Offline = true
			return redeem(ctx, s, g)
		}) {
			must(t, err)
		}
		_, err := revoke(ctx, s, w.tenant, storage.GrantFilter{SessionID: w.session}, "test", now)
		must(t, err)
		w.wantAlive(t, 0, large)
	})

	t.Run("sessions", func(t *testing.T) {
		w := newWorld(t, s)
		w.crowd(t)
		must(t, endSessions(ctx, s, w.tenant, w.user, "s-007"))
		left, err := s.SessionsOf(ctx, w.tenant, w.user, now)
		same(t, ids(left, func(s storage.Session) string { return s.ID }), err, []string{"s-007"})
	})
}

// testInterruptedRemoval takes the time from those who remove: another goes on.
func testInterruptedRemoval(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	w.crowd(t)
	must(t, RemoveUser(ctx, s, w.tenant, w.user, now))
	r := storage.Removal{TenantID: w.tenant, Kind: storage.RemovalUser, ID: w.user, Since: now}
	short, cancel := context.WithCancel(ctx)
	defer cancel()
	err := s.CarryOn(short, r, func(int64) { cancel() }, nil)
	want(t, err, context.Canceled)

	// The process that began the removal is given time to finish it. Other tests have left removals
	// of theirs.
	claims := func(at time.Time) (mine bool) {
		for {
			got, err := s.ClaimRemoval(ctx, at, at.Add(time.Minute))
			if errors.Is(err, storage.ErrNotFound) {
				return false
			}
			must(t, err)
			if cmp.Equal(got, r) {
				return true
			}
		}
	}
	if claims(now.Add(59 * time.Second)) {
		t.Error("the removal was taken from the process that has it")
	}
	if !claims(now.Add(time.Minute)) {
		t.Fatal("the removal cannot be claimed")
	}
	if claims(now.Add(time.Minute)) {
		t.Error("two processes have the removal")
	}
	held, err := s.HoldRemoval(ctx, w.tenant, r.Kind, r.ID, now.Add(1000*time.Hour)) // its clock is ahead
	same(t, held, err, r)
	if !claims(now.Add(3 * time.Minute)) {
		t.Fatal("the removal waits for a clock that was ahead")
	}
	must(t, s.CarryOn(ctx, r, nil, nil))
	w.wantAlive(t, 0, 0)
	_, err = s.HoldRemoval(ctx, w.tenant, r.Kind, r.ID, now)
	want(t, err, storage.ErrNotFound)
	must(t, s.CarryOn(ctx, r, nil, nil))
}

// testRestored ends what is no younger than a restore.
func testRestored(t *testing.T, s Store) {
	ctx := t.Context()
	w, other := newWorld(t, s), newWorld(t, s)
	w.crowd(t)
	device := storage.Credential{Kind: storage.DeviceCredential, ID: "d", Data: []byte("x"), CreatedAt: now}
	must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now,
		Credentials: []storage.Credential{device}}))
	must(t, Enqueue(ctx, s, storage.Delivery{TenantID: w.tenant, ID: "old", CreatedAt: now, NextAt: now}))
	before := other.snapshot(t)
	later := now.Add(time.Second)
	young := aSession(w.tenant, "young", w.user)
	young.CreatedAt = later
	must(t, AddSession(ctx, s, young))
	g := aGrant(w.tenant, "a-young", w.user, w.client, "young")
	g.CreatedAt = later
	must(t, redeem(ctx, s, g))

	ahead := aSession(w.tenant, "ahead", w.user)
	ahead.CreatedAt = now.Add(time.Hour)
	must(t, AddSession(ctx, s, ahead))

	must(t, s.PutTenantLogin(ctx, storage.TenantLogin{TenantID: w.tenant, EmailKey: w.tenant, CreatedAt: now}))
	apps := map[string]time.Time{"app-young": later, "app": now, "app-ahead": now.Add(time.Hour)}
	for id, at := range apps {
		must(t, s.AddTenantSession(ctx, storage.TenantSession{TenantID: w.tenant, ID: id, Data: []byte("k"), CreatedAt: at}))
	}

	must(t, s.BeginRestored(ctx, w.tenant, now, later))
	w.finish(t, storage.RemovalRestored, "")
	w.wantAlive(t, 0, large)
	left, err := s.SessionsOf(ctx, w.tenant, w.user, later)
	same(t, ids(left, func(s storage.Session) string { return s.ID }), err, []string{"young"})
	if _, _, err := s.LiveGrant(ctx, w.tenant, g.ID, "", later, nil); err != nil {
		t.Errorf("got %v for a grant that is younger", err)
	}
	_, _, err = s.Session(ctx, w.tenant, ahead.ID, ahead.CreatedAt)
	want(t, err, storage.ErrNotFound)
	for id := range apps {
		_, _, err := s.TenantSession(ctx, w.tenant, id)
		if (err == nil) != (id == "app-young") {
			t.Errorf("%s: got %v for a sign-in of an app", id, err)
		}
	}
	_, err = s.Code(ctx, w.tenant, "code", now)
	want(t, err, storage.ErrNotFound)
	creds, err := s.CredentialsOf(ctx, w.tenant, w.user)
	same(t, ids(creds, func(c storage.Credential) string { return c.Kind }), err, []string{storage.PasswordCredential})
	mails, err := s.ClaimDeliveries(ctx, now, later, 999) // others' are among them
	must(t, err)
	for _, m := range mails {
		if m.TenantID == w.tenant {
			t.Errorf("mail %s waits still", m.ID)
		}
	}
	same(t, other.snapshot(t), nil, before)
}
