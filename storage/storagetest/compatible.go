package storagetest

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testAccountNumbers gives numbers to users, one for each, and counts who is active.
func testAccountNumbers(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	number := func(t *testing.T, tenant, user string) storage.AccountNumber {
		t.Helper()
		n, err := s.NumberOf(ctx, tenant, user, now)
		must(t, err)
		return n
	}
	var users []string
	for range 12 {
		users = append(users, newID())
	}
	t.Run("each user has one, when several ask at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for _, u := range slices.Concat(users, users) {
			wg.Go(func() {
				if _, err := s.NumberOf(ctx, tenant, u, now); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var got []int64
		for _, u := range users {
			n := number(t, tenant, u)
			got = append(got, n.Number)
			back, err := s.Numbered(ctx, tenant, n.Number)
			same(t, back, err, storage.AccountNumber{TenantID: tenant, Number: n.Number, UserID: u, CreatedAt: now})
		}
		slices.Sort(got)
		if want := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}; !slices.Equal(got, want) {
			t.Errorf("got numbers %v, want %v", got, want)
		}
	})
	t.Run("of its tenant alone", func(t *testing.T) {
		if n := number(t, other, users[0]); n.Number != 1 {
			t.Errorf("got number %d in another tenant, want 1", n.Number)
		}
		if _, err := s.Numbered(ctx, other, 2); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("got %v for a number that another tenant gave, want ErrNotFound", err)
		}
	})
	t.Run("kept ones", func(t *testing.T) {
		kept := storage.AccountNumber{TenantID: tenant, Number: 4711, UserID: newID(), CreatedAt: now}
		must(t, s.KeepNumber(ctx, kept))
		for _, taken := range []storage.AccountNumber{
			{TenantID: tenant, Number: 4711, UserID: newID()}, {TenantID: tenant, Number: 4712, UserID: kept.UserID},
		} {
			if err := s.KeepNumber(ctx, taken); !errors.Is(err, storage.ErrExists) {
				t.Errorf("got %v, want ErrExists", err)
			}
		}
		if n := number(t, tenant, newID()); n.Number != 4712 {
			t.Errorf("got number %d after 4711 was kept, want 4712", n.Number)
		}
	})
	t.Run("reserved ones", func(t *testing.T) {
		for range 2 {
			must(t, s.ReserveNumber(ctx, tenant, 6000, now))
		}
		must(t, s.ReserveNumber(ctx, tenant, 4711, now)) // it was given
		n, err := s.Numbered(ctx, tenant, 6000)
		if must(t, err); !n.Reserved() {
			t.Errorf("got %+v, want a number that is reserved", n)
		}
		if n := number(t, tenant, newID()); n.Number != 6001 || n.Reserved() {
			t.Errorf("got %+v after 6000 was reserved, want 6001", n)
		}
		if n, err := s.Numbered(ctx, tenant, 4711); err != nil || n.Reserved() {
			t.Errorf("got %+v, %v for a number that was given before", n, err)
		}
	})
	t.Run("kept with users who are added together", func(t *testing.T) {
		added, removed := aUser(tenant, newID()), newID()
		ch := storage.Change{TenantID: tenant, Now: now, AddAll: []storage.NewUser{{User: added}},
			Numbers: []storage.AccountNumber{
				{Number: 6000, UserID: added.ID, CreatedAt: now}, {Number: 5999, UserID: removed, CreatedAt: now},
			},
			LastUses: []storage.LastUse{{UserID: added.ID, SignedIn: now}}}
		must(t, s.Apply(ctx, ch))
		if n := number(t, tenant, added.ID); n.Number != 6000 {
			t.Errorf("got number %d, want 6000", n.Number)
		}
		standings, err := s.Standings(ctx, tenant, []string{added.ID})
		same(t, standings[added.ID], err, storage.Standing{UserID: added.ID, LastSignIn: now, LastActivity: now})
		late := aUser(tenant, newID())
		ch.AddAll, ch.LastUses = []storage.NewUser{{User: late}}, nil
		ch.Numbers = []storage.AccountNumber{{Number: 5999, UserID: late.ID}}
		want(t, s.Apply(ctx, ch), storage.ErrExists)
		if _, err := s.User(ctx, tenant, late.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("got %v for a user whose number was taken, want none", err)
		}
	})
	t.Run("active", func(t *testing.T) {
		n := number(t, tenant, users[0])
		event := func() storage.Event {
			return storage.Event{TenantID: tenant, ID: newID(), At: now, Kind: storage.EventSessionRefreshed, UserID: users[0]}
		}
		must(t, s.SetActive(ctx, n, 18690, event()))
		if err := s.SetActive(ctx, n, 18690, event()); !errors.Is(err, storage.ErrStale) {
			t.Errorf("got %v for a user of whom it is stored, want ErrStale", err)
		}
		n.ActiveOn = 18690
		if err := s.SetActive(ctx, n, 18689, event()); !errors.Is(err, storage.ErrStale) {
			t.Errorf("got %v for a day before, want ErrStale", err)
		}
		must(t, s.SetActive(ctx, n, 18691, event()))
		events, err := s.EventsOf(ctx, tenant, users[0], "", 10)
		same(t, len(events), err, 2)
	})
}

// aLogin returns the login of a new tenant's app, and the tenant.
func aLogin() (storage.Tenant, storage.TenantLogin) {
	id := newID()
	return storage.Tenant{ID: id, Name: id, CreatedAt: now}, storage.TenantLogin{
		TenantID: id, Email: id + "@Example.com", EmailKey: id + "@example.com", Password: []byte("hash"), CreatedAt: now,
	}
}

// testTenantLogins gives tenants logins, signs their apps in and out, and removes the tenants.
func testTenantLogins(t *testing.T, s Store) {
	ctx := t.Context()
	tenant, login := aLogin()
	must(t, s.AddTenantLogin(ctx, tenant, login))
	got, err := s.TenantLogin(ctx, login.EmailKey)
	same(t, got, err, login)
	other, taken := aLogin()
	taken.EmailKey = login.EmailKey
	want(t, s.AddTenantLogin(ctx, other, taken), storage.ErrExists)
	_, err = s.Tenant(ctx, other.ID)
	want(t, err, storage.ErrNotFound) // all or nothing
	_, again := aLogin()
	want(t, s.AddTenantLogin(ctx, tenant, again), storage.ErrExists)
	_, err = s.TenantLogin(ctx, again.EmailKey)
	want(t, err, storage.ErrNotFound)

	sess := storage.TenantSession{TenantID: tenant.ID, ID: newID(), Data: []byte("key"), CreatedAt: now}
	must(t, s.AddTenantSession(ctx, sess))
	back, of, err := s.TenantSession(ctx, tenant.ID, sess.ID)
	same(t, back, err, sess)
	same(t, of, err, login)
	none := newTenant(t, s)
	want(t, s.AddTenantSession(ctx, storage.TenantSession{TenantID: none, ID: newID(), Data: []byte("key")}),
		storage.ErrNotFound)
	_, _, err = s.TenantSession(ctx, none, sess.ID)
	want(t, err, storage.ErrNotFound)
	want(t, s.EndTenantSession(ctx, none, sess.ID), storage.ErrNotFound)
	must(t, s.EndTenantSession(ctx, tenant.ID, sess.ID))
	want(t, s.EndTenantSession(ctx, tenant.ID, sess.ID), storage.ErrNotFound)
	_, _, err = s.TenantSession(ctx, tenant.ID, sess.ID)
	want(t, err, storage.ErrNotFound)

	// Another login ends what the one before has begun.
	must(t, s.AddTenantSession(ctx, sess))
	anew := login
	anew.Email, anew.EmailKey, anew.Password = again.Email, again.EmailKey, []byte("another hash")
	must(t, s.PutTenantLogin(ctx, anew))
	got, err = s.TenantLogin(ctx, again.EmailKey)
	same(t, got, err, anew)
	_, err = s.TenantLogin(ctx, login.EmailKey)
	want(t, err, storage.ErrNotFound)
	_, _, err = s.TenantSession(ctx, tenant.ID, sess.ID)
	want(t, err, storage.ErrNotFound)
	must(t, s.PutTenantLogin(ctx, login))
	taken.TenantID = none
	want(t, s.PutTenantLogin(ctx, taken), storage.ErrExists)
	taken.TenantID = newID()
	want(t, s.PutTenantLogin(ctx, taken), storage.ErrNotFound)

	must(t, s.AddTenantSession(ctx, sess))
	must(t, s.RemoveTenant(ctx, tenant.ID, now))
	_, _, err = s.TenantSession(ctx, tenant.ID, sess.ID)
	want(t, err, storage.ErrNotFound)
	want(t, s.AddTenantSession(ctx, sess), storage.ErrNotFound)
	taken.TenantID = other.ID
	must(t, s.AddTenantLogin(ctx, other, taken)) // the address is free
}

// testAppLogins stores what an app knows of users, and removes a user with many sessions.
func testAppLogins(t *testing.T, s Store) {
	ctx, w := t.Context(), newWorld(t, s)
	second := newID()
	for i, id := range []string{second, newID()} {
		u := aUser(w.tenant, id)
		must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: id, Now: now, Add: &u,
			AppLogin: &storage.AppLogin{Login: "login " + strconv.Itoa(i), Subject: "s", Scope: []byte(`{"a":["b"]}`)}}))
	}
	l := storage.AppLogin{TenantID: w.tenant, UserID: second, Login: "login 0", Subject: "s", Scope: []byte(`{"a":["b"]}`)}
	got, err := s.AppLogin(ctx, w.tenant, "login 0")
	same(t, got, err, l)
	for _, wrong := range []string{"Login 0", "", "login"} {
		_, err := s.AppLogin(ctx, w.tenant, wrong)
		want(t, err, storage.ErrNotFound)
	}
	_, err = s.AppLogin(ctx, newTenant(t, s), "login 0")
	want(t, err, storage.ErrNotFound)
	fourth := aUser(w.tenant, newID())
	want(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: fourth.ID, Now: now, Add: &fourth,
		AppLogin: &storage.AppLogin{Login: "login 0"}}), storage.ErrExists)
	_, err = s.User(ctx, w.tenant, fourth.ID)
	want(t, err, storage.ErrNotFound)

	// A user that the app has not added has no login there, and so have many.
	later := now.Add(time.Minute)
	must(t, s.AppUserActive(ctx, w.tenant, w.user, now, now.Add(-time.Second)))
	must(t, s.AppUserActive(ctx, w.tenant, newID(), now, now.Add(-time.Second)))
	must(t, s.AppUserActive(ctx, w.tenant, second, later, later.Add(-time.Second)))
	must(t, s.AppUserActive(ctx, w.tenant, second, later.Add(time.Second), later.Add(-time.Second)))
	l.ActiveAt = later
	all, err := s.AppLoginsOf(ctx, w.tenant, []string{w.user, second, fourth.ID})
	same(t, all, err, map[string]storage.AppLogin{
		second: l, w.user: {TenantID: w.tenant, UserID: w.user, ActiveAt: now},
	})
	all, err = s.AppLoginsOf(ctx, w.tenant, nil)
	same(t, all, err, map[string]storage.AppLogin{})

	must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: second, Now: now, Remove: true}))
	_, err = s.AppLogin(ctx, w.tenant, "login 0")
	want(t, err, storage.ErrNotFound)
}
