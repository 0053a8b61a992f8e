package storagetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testAdministrators takes the role from owners in every way that there is. A tenant keeps its last owner who can sign
// in, also if two owners are demoted at the same time.
func testAdministrators(t *testing.T, s Store) {
	ctx, tenant, other := t.Context(), newTenant(t, s), newTenant(t, s)
	add := func(tenant, role string) string {
		u := aUser(tenant, newID())
		u.AdminRole = role
		must(t, AddUser(ctx, s, u, nil, nil))
		return u.ID
	}
	set := func(id, role string) error {
		return s.Apply(ctx, storage.Change{TenantID: tenant, UserID: id, Now: now, SetAdmin: &role})
	}
	disable := func(id string, securedAt time.Time) error {
		u, err := s.User(ctx, tenant, id)
		must(t, err)
		u.Disabled, u.SecuredAt = true, securedAt
		return UpdateUser(ctx, s, u)
	}
	first, plain := add(tenant, storage.RoleOwner), add(tenant, "")
	add(other, storage.RoleOwner) // of another tenant, whose owners do not count

	for what, change := range map[string]func() error{
		"demote":  func() error { return set(first, storage.RoleAuditor) },
		"dismiss": func() error { return set(first, "") },
		"remove":  func() error { return RemoveUser(ctx, s, tenant, first, now) },
		"disable": func() error { return disable(first, time.Time{}) },
	} {
		if err := change(); !errors.Is(err, storage.ErrLastOwner) {
			t.Errorf("%s the last owner: got %v, want ErrLastOwner", what, err)
		}
	}
	u, err := s.User(ctx, tenant, first)
	must(t, err)
	if u.AdminRole != storage.RoleOwner || u.Disabled {
		t.Errorf("got %+v, want the owner as before", u)
	}
	want(t, set(newID(), storage.RoleOwner), storage.ErrNotFound)
	must(t, set(plain, storage.RoleSupport))
	must(t, RemoveUser(ctx, s, tenant, add(tenant, ""), now))
	u.Email, u.EmailKey, u.AdminRole = "a@example.com", "a@example.com", ""
	must(t, UpdateUser(ctx, s, u)) // it is no part of what an update stores
	all, err := s.Administrators(ctx, tenant, "", 10)
	must(t, err)
	if len(all) != 2 || all[0].AdminRole != storage.RoleOwner || all[1].AdminRole != storage.RoleSupport {
		t.Errorf("got %+v, want the owner and the supporter", all)
	}
	all, err = s.Administrators(ctx, tenant, all[0].ID, 10)
	if must(t, err); len(all) != 1 || all[0].ID != plain {
		t.Errorf("got %+v, want the second administrator", all)
	}

	must(t, disable(first, now)) // closed by its owner, who can open it again
	must(t, set(plain, storage.RoleOwner))
	must(t, set(first, ""))

	for range 5 {
		second := add(tenant, storage.RoleOwner)
		got := race(2, func(i int) error {
			if i == 0 {
				return set(plain, storage.RoleAdministrator)
			}
			return RemoveUser(ctx, s, tenant, second, now)
		})
		oneWinner(t, got, storage.ErrLastOwner)
		must(t, set(plain, storage.RoleOwner))
		if got[1] != nil {
			must(t, RemoveUser(ctx, s, tenant, second, now))
		}
	}
}

// testPromotedMeanwhile removes a user who becomes the tenant's last owner after the removal has read the role.
func testPromotedMeanwhile(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	var ids []string
	for _, role := range []string{storage.RoleOwner, "", ""} {
		u := aUser(tenant, newID())
		u.AdminRole = role
		must(t, AddUser(ctx, s, u, nil, nil))
		ids = append(ids, u.ID)
	}
	set := func(id, role string) error {
		return s.Apply(ctx, storage.Change{TenantID: tenant, UserID: id, Now: now, SetAdmin: &role})
	}
	value := storage.Spent{Purpose: "x", Value: newID(), ExpiresAt: now.Add(time.Hour)}
	var removed, promoted sync.WaitGroup
	failing := storage.Delivery{TenantID: tenant, ID: newID(), To: "jo@example.com", CreatedAt: now, NextAt: now}
	// The first change holds a value, lets the others begin, and fails: the removal waits for the value.
	_ = s.Apply(ctx, storage.Change{TenantID: tenant, UserID: ids[2], Now: now, Spend: []storage.Spent{value},
		Deliveries: []storage.Delivery{failing, failing}, OnEnd: func(storage.Ended) ([]storage.Delivery, []storage.Event) {
			removed.Go(func() {
				_ = s.Apply(ctx, storage.Change{TenantID: tenant, UserID: ids[1], Now: now, Remove: true,
					Spend: []storage.Spent{value}})
			})
			time.Sleep(100 * time.Millisecond) // it reads the role
			done := make(chan struct{})
			promoted.Go(func() {
				defer close(done)
				if set(ids[1], storage.RoleOwner) == nil {
					_ = set(ids[0], "")
				}
			})
			select {
			case <-done:
			case <-time.After(300 * time.Millisecond): // it waits for the removal
			}
			return nil, nil
		}})
	removed.Wait()
	promoted.Wait()
	all, err := s.Administrators(ctx, tenant, "", 10)
	if must(t, err); len(all) == 0 || all[0].AdminRole != storage.RoleOwner {
		t.Errorf("got %+v, want an owner: the last one was removed", all)
	}
}

// testRoleWas makes changes that rest on a role that the user has not any more, and on one that the user has.
func testRoleWas(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	u, owner := aUser(tenant, newID()), aUser(tenant, newID())
	owner.AdminRole = storage.RoleOwner
	must(t, AddUser(ctx, s, u, nil, nil))
	must(t, AddUser(ctx, s, owner, nil, nil))
	none, support, disabled := "", storage.RoleSupport, u
	disabled.Disabled = true
	for _, ch := range []storage.Change{
		{Raise: true}, {Remove: true}, {Update: &disabled}, {SetAdmin: &support}, {EndSessions: &storage.SessionFilter{}},
	} {
		ch.TenantID, ch.UserID, ch.Now, ch.RoleWas = tenant, u.ID, now, &support
		want(t, s.Apply(ctx, ch), storage.ErrStale)
	}
	stored, err := s.User(ctx, tenant, u.ID)
	same(t, stored.AdminRole, err, "")
	must(t, s.PutClient(ctx, storage.Client{TenantID: tenant, ClientID: "shop"}))
	role, judged := storage.RoleName{Client: "shop", Name: "clerk"}, storage.RoleHolder{User: u.ID, RoleWas: &support}
	must(t, s.AddRole(ctx, storage.Role{TenantID: tenant, RoleName: role, CreatedAt: now, UpdatedAt: now}))
	event := storage.Event{TenantID: tenant, UserID: u.ID, Kind: storage.EventRoleGiven, At: now}
	want(t, s.GiveRole(ctx, tenant, role, judged, now, event), storage.ErrStale)
	given, err := s.RolesGiven(ctx, tenant, storage.RoleHolder{User: u.ID})
	same(t, len(given), err, 0)
	judged.RoleWas = &none
	must(t, s.GiveRole(ctx, tenant, role, judged, now))
	judged.RoleWas = &support
	want(t, s.TakeRole(ctx, tenant, role, judged), storage.ErrStale)
	judged.RoleWas = &none
	must(t, s.TakeRole(ctx, tenant, role, judged))
	must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, RoleWas: &none, SetAdmin: &support}))
	want(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, RoleWas: &none, Remove: true}),
		storage.ErrStale)
	must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now, RoleWas: &support, Remove: true}))
}

// found returns the ids of the users with keys that begin with the text, read limit at a time.
func found(t *testing.T, s Store, tenant string, by storage.UserKey, beginning string, limit int) (ids []string) {
	t.Helper()
	span := storage.UserSpan{By: by, From: beginning, To: beginning + "\U0010FFFF"}
	for place := (storage.UserPlace{}); ; {
		page, err := s.UsersIn(t.Context(), tenant, span, place, limit)
		must(t, err)
		for _, u := range page {
			if u.TenantID != tenant || !span.Has(u.Key) {
				t.Errorf("%q: got the key %q of %s, want one in the span", beginning, u.Key, u.ID)
			}
			ids, place = append(ids, u.ID), u.Place()
		}
		if len(page) < limit {
			return ids
		}
	}
}

// testUsersIn finds users by the beginning of each kind of key, in pages. The text is no pattern: % stands for itself.
// A number that is not verified finds no user.
func testUsersIn(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	var ids []string
	for i, name := range []string{"ann", "anna", "bob", "zoe"} {
		u := aUser(tenant, newID())
		u.Email, u.EmailKey = name+"@example.com", name+"@example.com"
		u.Username, u.UsernameKey, u.UsernameSkeleton, u.ExternalID = name, name, name, "X-"+name
		u.Phone, u.PhoneVerified = []string{"+431", "+432", "+49", "+431"}[i], name != "anna"
		must(t, AddUser(ctx, s, u, nil, nil))
		ids = append(ids, u.ID)
	}
	for _, c := range []struct {
		by        storage.UserKey
		beginning string
		want      []string
	}{
		{storage.ByEmail, "an", ids[:2]}, {storage.ByEmail, "", ids}, {storage.ByUsername, "an", ids[:2]},
		{storage.ByUsername, "x", nil}, {storage.ByUsername, "%", nil}, {storage.ByUsername, "' OR 1=1 --", nil},
		{storage.ByPhone, "+4", []string{ids[0], ids[3], ids[2]}}, // of which two have the same number
		{storage.ByID, ids[2], ids[2:3]}, {storage.ByID, "", ids}, {storage.ByExternalID, "X-a", ids[:2]},
		{storage.ByExternalID, "x-a", nil}, {storage.ByName, "", nil},
	} {
		for _, limit := range []int{1, 2, 9} {
			same(t, found(t, s, tenant, c.by, c.beginning, limit), nil, c.want)
		}
	}
	same(t, found(t, s, newTenant(t, s), storage.ByEmail, "", 9), nil, nil)
	exact := storage.UserSpan{By: storage.ByEmail, From: "ann@example.com", To: "anna@example.com"}
	only, err := s.UsersIn(ctx, tenant, exact, storage.UserPlace{}, 9)
	same(t, len(only), err, 1)
	must(t, RemoveUser(ctx, s, tenant, ids[0], now))
	same(t, found(t, s, tenant, storage.ByEmail, "an", 9), nil, ids[1:2])
}

// testNames finds users by the words of their names, as they are added, renamed and removed.
func testNames(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	named := func(name string) storage.User {
		u := aUser(tenant, newID())
		u.Profile.Name = name
		return u
	}
	ada, adam, several := named("Ada Lovelace"), named("ÁDAM Kovács"), []storage.NewUser{
		{User: named("Ada Byron")}, {User: named("")}, {User: named("Zoë Ada")},
	}
	must(t, AddUser(ctx, s, ada, nil, nil))
	must(t, AddUser(ctx, s, adam, nil, nil))
	must(t, s.Apply(ctx, storage.Change{TenantID: tenant, Now: now, AddAll: several}))
	byron, zoe := several[0].ID, several[2].ID
	finds := func(beginning string, want ...string) {
		t.Helper()
		for _, limit := range []int{1, 2, 9} {
			got := found(t, s, tenant, storage.ByName, beginning, limit)
			if len(want) == 0 && len(got) == 0 {
				continue
			}
			same(t, got, nil, want)
		}
	}
	finds("ada", zoe, byron, ada.ID, adam.ID)
	finds("ada l", ada.ID)
	finds("love", ada.ID)
	finds("kov", adam.ID)
	finds("zoe", zoe)
	finds("x")
	finds("Ada") // terms are folded

	ada.Profile.Name, ada.Profile.Nickname = "Ada King", "Countess"
	must(t, UpdateUser(ctx, s, ada))
	finds("love")
	finds("ki", ada.ID)
	finds("count", ada.ID)
	ada.UpdatedAt = now
	must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: ada.ID, Now: now, Update: &ada, UpdateOf: now}))
	finds("ki", ada.ID)
	ada.Profile = storage.Profile{}
	must(t, UpdateUser(ctx, s, ada))
	finds("ki")
	must(t, RemoveUser(ctx, s, tenant, zoe, now))
	finds("zoe")
	finds("ada", byron, adam.ID)
	same(t, found(t, s, newTenant(t, s), storage.ByName, "", 9), nil, nil)
	_, err := s.IndexNames(ctx)
	must(t, err)
	finds("ada", byron, adam.ID)

	together := named("Of Many")
	all, err := s.UsersIn(ctx, tenant, storage.UserSpan{By: storage.ByName, To: "\U0010FFFF"}, storage.UserPlace{}, 99)
	must(t, err)
	if !slices.IsSortedFunc(all, func(a, b storage.FoundUser) int {
		return slices.Compare([]string{a.Key, a.ID}, []string{b.Key, b.ID})
	}) {
		t.Errorf("got %v, want the order of terms", all)
	}
	together.ID = byron
	want(t, AddUser(ctx, s, together, nil, nil), storage.ErrExists)
	finds("of many")
}
