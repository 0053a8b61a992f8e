package storagetest

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testUsers adds users and finds them by each key. Keys are unique in a tenant, an empty key finds no user, and the id
// of a removed user is never used again.
func testUsers(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	full := filled[storage.User]()
	full.TenantID = tenant
	must(t, AddUser(ctx, s, full, nil, nil))
	got, err := s.User(ctx, tenant, full.ID)
	same(t, got, err, full)
	got, err = s.UserByEmail(ctx, tenant, full.EmailKey)
	same(t, got, err, full)
	got, err = s.UserByUsername(ctx, tenant, full.UsernameKey)
	same(t, got, err, full)
	got, err = s.UserByExternalID(ctx, tenant, full.ExternalID)
	same(t, got, err, full)

	t.Run("the empty name finds no user", func(t *testing.T) {
		for range 2 {
			must(t, AddUser(ctx, s, aUser(tenant, newID()), nil, nil))
		}
		_, err := s.UserByEmail(ctx, tenant, "")
		want(t, err, storage.ErrNotFound)
		_, err = s.UserByUsername(ctx, tenant, "")
		want(t, err, storage.ErrNotFound)
		_, err = s.UserByExternalID(ctx, tenant, "")
		want(t, err, storage.ErrNotFound)
		_, _, err = s.UserPassword(ctx, tenant, "")
		want(t, err, storage.ErrNotFound)
	})

	t.Run("a number names one user or none", func(t *testing.T) {
		named := func(want error) {
			t.Helper()
			got, err := s.UserByPhone(ctx, tenant, "+4930123456")
			if want == nil {
				same(t, got.Phone, err, "+4930123456")
			} else if err == nil {
				t.Errorf("got %s, want no user", got.ID)
			}
		}
		named(storage.ErrNotFound)
		first, second := aUser(tenant, newID()), aUser(tenant, newID())
		first.Phone, second.Phone = "+4930123456", "+4930123456"
		must(t, AddUser(ctx, s, first, nil, nil))
		named(storage.ErrNotFound) // not verified
		first.PhoneVerified = true
		must(t, UpdateUser(ctx, s, first))
		must(t, AddUser(ctx, s, second, nil, nil))
		named(nil)
		second.PhoneVerified = true
		must(t, UpdateUser(ctx, s, second))
		named(storage.ErrNotFound) // both
		_, err := s.UserByPhone(ctx, tenant, "")
		want(t, err, storage.ErrNotFound)
		_, err = s.UserByPhone(ctx, newTenant(t, s), "+4930123456")
		want(t, err, storage.ErrNotFound)
		must(t, RemoveUser(ctx, s, tenant, second.ID, now))
		named(nil)
		must(t, RemoveUser(ctx, s, tenant, first.ID, now))
	})

	t.Run("names are unique", func(t *testing.T) {
		for name, clash := range map[string]func(u *storage.User){
			"id":          func(u *storage.User) { u.ID = full.ID },
			"external id": func(u *storage.User) { u.ExternalID = full.ExternalID },
			"e-mail":      func(u *storage.User) { u.EmailKey = full.EmailKey },
			"username":    func(u *storage.User) { u.UsernameKey = full.UsernameKey },
			"skeleton":    func(u *storage.User) { u.UsernameKey, u.UsernameSkeleton = "another", full.UsernameSkeleton },
		} {
			u := aUser(tenant, newID())
			clash(&u)
			if err := AddUser(ctx, s, u, nil, nil); err == nil {
				t.Errorf("%s: added twice", name)
			} else {
				want(t, err, storage.ErrExists)
			}
		}
		u := aUser(tenant, newID())
		must(t, AddUser(ctx, s, u, nil, nil))
		u.EmailKey = full.EmailKey
		want(t, UpdateUser(ctx, s, u), storage.ErrExists)
		want(t, AddUser(ctx, s, aUser("no-such-tenant", newID()), nil, nil), storage.ErrNotFound)
	})

	t.Run("many at once, all or none", func(t *testing.T) {
		first, second := filled[storage.User](), aUser(tenant, newID())
		first.TenantID, first.ID, first.ExternalID = tenant, newID(), "e1"
		first.EmailKey, first.UsernameKey, first.UsernameSkeleton = "e1", "u1", "s1"
		all := []storage.NewUser{
			{User: first, Credentials: []storage.Credential{aPassword(tenant, first.ID, "hash")},
				Identities: []storage.Identity{{Provider: "google", Subject: "many", Email: "e", CreatedAt: now}}},
			{User: second},
		}
		add := func(all ...storage.NewUser) error {
			ch := storage.Change{TenantID: tenant, Now: now, AddAll: all}
			for _, u := range all {
				ch.Events = append(ch.Events, storage.Event{TenantID: tenant, ID: newID(), At: now, UserID: u.ID,
					Kind: storage.EventUserAdded, Detail: map[string]string{"by": "import"}})
			}
			return s.Apply(ctx, ch)
		}
		recorded := func(u storage.User, n int) {
			t.Helper()
			if events, err := s.EventsOf(ctx, tenant, u.ID, "", 9); err != nil || len(events) != n {
				t.Errorf("got the events %v, %v, want %d", events, err, n)
			}
		}
		must(t, add())
		must(t, add(all...))
		got, err := s.User(ctx, tenant, first.ID)
		same(t, got, err, first)
		recorded(first, 1)
		recorded(second, 1)
		_, password, err := s.UserPassword(ctx, tenant, "e1")
		same(t, string(password.Data), err, "hash")
		linked, err := s.Identity(ctx, tenant, "google", "many")
		same(t, linked.UserID, err, first.ID)
		third := aUser(tenant, newID())
		want(t, add(storage.NewUser{User: third}, storage.NewUser{User: second}), storage.ErrExists)
		all[0].User = third // and the identity of the first
		want(t, add(all[0]), storage.ErrExists)
		_, err = s.User(ctx, tenant, third.ID)
		want(t, err, storage.ErrNotFound)
		recorded(third, 0)
		must(t, RemoveUser(ctx, s, tenant, second.ID, now))
		want(t, add(storage.NewUser{User: third}, storage.NewUser{User: second}), storage.ErrExists)
		want(t, s.Apply(ctx, storage.Change{TenantID: "no-such-tenant", Now: now,
			AddAll: []storage.NewUser{{User: third}}}), storage.ErrNotFound)
	})

	t.Run("more at once than one statement takes", func(t *testing.T) {
		tenant := newTenant(t, s)
		ch := storage.Change{TenantID: tenant, Now: now}
		for range 300 {
			u := aUser(tenant, newID())
			ch.AddAll = append(ch.AddAll, storage.NewUser{User: u,
				Credentials: []storage.Credential{aPassword(tenant, u.ID, "hash")}})
		}
		must(t, s.Apply(ctx, ch))
		added, err := s.Users(ctx, tenant, "", 999)
		same(t, len(added), err, len(ch.AddAll))
		must(t, RemoveUser(ctx, s, tenant, ch.AddAll[299].ID, now))
		ch.AddAll = ch.AddAll[299:]
		want(t, s.Apply(ctx, ch), storage.ErrExists)
	})

	t.Run("update", func(t *testing.T) {
		u := aUser(tenant, newID())
		must(t, AddUser(ctx, s, u, nil, nil))
		changed := filled[storage.User]()
		changed.TenantID, changed.ID, changed.EmailKey, changed.UsernameKey, changed.UsernameSkeleton = tenant, u.ID, "e",
			"u", "s"
		must(t, UpdateUser(ctx, s, changed))
		changed.CreatedAt, changed.CredentialVersion, changed.ExternalID = u.CreatedAt, u.CredentialVersion, u.ExternalID
		changed.AdminRole = u.AdminRole
		got, err := s.User(ctx, tenant, u.ID)
		same(t, got, err, changed)
		got, err = s.UserBySkeleton(ctx, tenant, "s")
		same(t, got, err, changed)
		stale := changed // read before the name had a skeleton
		stale.UsernameSkeleton = ""
		must(t, UpdateUser(ctx, s, stale))
		got, err = s.User(ctx, tenant, u.ID)
		same(t, got, err, changed)
		stale.UsernameKey = "other"
		must(t, UpdateUser(ctx, s, stale))
		got, err = s.User(ctx, tenant, u.ID)
		same(t, got, err, stale)
		_, err = s.UserBySkeleton(ctx, tenant, "")
		want(t, err, storage.ErrNotFound)
		want(t, UpdateUser(ctx, s, aUser(tenant, "nobody")), storage.ErrNotFound)
	})

	t.Run("what is spent with the addition is spent once", func(t *testing.T) {
		once := &storage.Spent{TenantID: tenant, Purpose: storage.SpentSetup, Value: "link", ExpiresAt: now}
		clash := aUser(tenant, newID())
		clash.EmailKey = full.EmailKey
		want(t, AddUser(ctx, s, clash, nil, once), storage.ErrExists)
		must(t, AddUser(ctx, s, aUser(tenant, newID()), nil, once)) // nothing was spent by the failure
		late := aUser(tenant, newID())
		want(t, AddUser(ctx, s, late, nil, once), storage.ErrStale)
		_, err := s.User(ctx, tenant, late.ID)
		want(t, err, storage.ErrNotFound)
	})

	t.Run("pages", func(t *testing.T) {
		tenant := newTenant(t, s)
		for range 5 {
			must(t, AddUser(ctx, s, aUser(tenant, newID()), nil, nil))
		}
		seen := pages(t, func(after string, limit int) ([]storage.User, error) { return s.Users(ctx, tenant, after, limit) },
			func(u storage.User) string { return u.ID })
		if len(seen) != 5 {
			t.Errorf("got %d users, want 5", len(seen))
		}
	})

	t.Run("what another release stored is read anew", func(t *testing.T) { testReread(t, s) })

	t.Run("removal is for ever", func(t *testing.T) {
		w := newWorld(t, s)
		must(t, RemoveUser(ctx, s, w.tenant, w.user, now))
		want(t, RemoveUser(ctx, s, w.tenant, w.user, now), storage.ErrNotFound)
		want(t, AddUser(ctx, s, aUser(w.tenant, w.user), nil, nil), storage.ErrExists)
		again := aUser(w.tenant, newID())
		again.EmailKey, again.UsernameKey = "jo@example.com", "jo" // the names are free again
		must(t, AddUser(ctx, s, again, nil, nil))
		_, c, err := s.UserPassword(ctx, w.tenant, "jo")
		must(t, err)
		if c.Data != nil {
			t.Errorf("the new user has inherited a password")
		}
		for _, name := range []string{"Credential", "Identity", "Session", "SessionsOf", "Consent", "ConsentsOf", "Grant",
			"LiveGrant", "GrantsOf"} {
			if got, err := w.reads()[name](ctx); err == nil {
				t.Errorf("%s: got %+v of a removed user, want nothing", name, got)
			}
		}
	})

	t.Run("times are kept in microseconds", func(t *testing.T) {
		u := aUser(tenant, newID())
		u.CreatedAt = time.Date(2024, 2, 3, 4, 5, 6, 789_012_345, time.FixedZone("", 3600))
		u.UpdatedAt = time.Time{}
		must(t, AddUser(ctx, s, u, nil, nil))
		got, err := s.User(ctx, tenant, u.ID)
		must(t, err)
		if wanted := time.Date(2024, 2, 3, 3, 5, 6, 789_012_000, time.UTC); got.CreatedAt != wanted ||
			!got.UpdatedAt.IsZero() {
			t.Errorf("got %v and %v, want %v and zero", got.CreatedAt, got.UpdatedAt, wanted)
		}
	})
}

// testReread lists users whose names an earlier release stored otherwise, of all tenants in order, and stores the names
// anew.
func testReread(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	add := func(tenant, username, skeleton, email string) storage.User {
		t.Helper()
		u := aUser(tenant, newID())
		u.Username, u.UsernameKey, u.UsernameSkeleton, u.Email, u.EmailKey, u.EmailVerified = username, username, skeleton,
			email, email, email != ""
		must(t, AddUser(ctx, s, u, nil, nil))
		return u
	}
	add(tenant, "", "", "ascii@example.com")
	add(tenant, "fine", "fine", "fine@example.com")
	named, beyond, both := add(tenant, "name", "", ""), add(other, "", "", "jo@b\u00fccher.example"),
		add(tenant, "both", "", "jo@b\u00fccher.example")
	listed := func(limit int) map[string]bool {
		t.Helper()
		seen, after, last := map[string]bool{}, "", ""
		for {
			page, err := s.UsersToReread(ctx, last, after, limit)
			must(t, err)
			for _, u := range page {
				if u.TenantID < last || u.TenantID == last && u.ID <= after || seen[u.ID] {
					t.Errorf("%s of %s comes after %s of %s", u.ID, u.TenantID, after, last)
				}
				seen[u.ID], last, after = u.TenantID == tenant || u.TenantID == other, u.TenantID, u.ID
			}
			if len(page) < limit {
				return seen
			}
		}
	}
	for _, limit := range []int{1, 2, 100} {
		got, ours := listed(limit), 0
		for _, is := range got {
			if is {
				ours++
			}
		}
		if ours != 3 || !got[named.ID] || !got[beyond.ID] || !got[both.ID] {
			t.Errorf("%d at a time: got %v, want those three", limit, got)
		}
	}

	now := both
	now.Email, now.EmailKey, now.EmailVerified, now.UsernameSkeleton = "jo@xn--bcher-kva.example",
		"jo@xn--bcher-kva.example", false, "both"
	must(t, s.Reread(ctx, both, now))
	got, err := s.User(ctx, tenant, both.ID)
	same(t, got, err, now)
	want(t, s.Reread(ctx, both, now), storage.ErrStale) // it is not as it was
	if listed(100)[both.ID] {
		t.Error("what was read anew is listed still")
	}
	clash := named
	clash.UsernameSkeleton = "fine"
	want(t, s.Reread(ctx, named, clash), storage.ErrExists)
	clash.UsernameSkeleton, clash.EmailKey = "", "fine@example.com"
	want(t, s.Reread(ctx, named, clash), storage.ErrExists)
	want(t, s.Reread(ctx, aUser(tenant, "nobody"), clash), storage.ErrStale)
}
