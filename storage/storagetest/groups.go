package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// join has a user join groups by a change.
func join(t *testing.T, s Store, tenant, userID string, all ...storage.Membership) {
	t.Helper()
	must(t, s.Apply(t.Context(), storage.Change{TenantID: tenant, UserID: userID, Now: now, Join: all}))
}

// membersOf returns the ids of a group's members.
func membersOf(t *testing.T, s Store, tenant, group string) []string {
	t.Helper()
	all, err := s.Members(t.Context(), tenant, group, "", 1000)
	must(t, err)
	return ids(all, func(u storage.User) string { return u.ID })
}

// testGroups adds, changes, lists and removes groups, and has users join and leave them.
func testGroups(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	full := filled[storage.Group]()
	full.TenantID = tenant
	must(t, s.AddGroup(ctx, full))
	got, err := s.Group(ctx, tenant, full.ID)
	same(t, got, err, full)
	want(t, s.AddGroup(ctx, full), storage.ErrExists)
	want(t, s.AddGroup(ctx, storage.Group{TenantID: "no-such-tenant", ID: "a"}), storage.ErrNotFound)
	changed := full
	changed.Title, changed.UpdatedAt = "another", now
	want(t, s.UpdateGroup(ctx, changed, now.Add(-time.Hour)), storage.ErrStale)
	must(t, s.UpdateGroup(ctx, changed, full.UpdatedAt))
	got, err = s.Group(ctx, tenant, full.ID)
	same(t, got, err, changed)
	changed.ID = "missing"
	want(t, s.UpdateGroup(ctx, changed, time.Time{}), storage.ErrNotFound)
	want(t, s.UpdateGroup(ctx, changed, now), storage.ErrNotFound)
	for _, id := range []string{"a", "b", "c"} {
		must(t, s.AddGroup(ctx, storage.Group{TenantID: tenant, ID: id}))
	}
	seen := pages(t, func(after string, limit int) ([]storage.Group, error) { return s.Groups(ctx, tenant, after, limit) },
		func(g storage.Group) string { return g.ID })
	if len(seen) != 4 {
		t.Errorf("got %v, want four groups", seen)
	}
	t.Run("memberships", func(t *testing.T) { testMemberships(t, s, tenant) })
}

// testMemberships works on the groups a, b and c of the tenant.
func testMemberships(t *testing.T, s Store, tenant string) {
	ctx := t.Context()
	var users []string
	for range 5 {
		u := aUser(tenant, newID())
		must(t, AddUser(ctx, s, u, nil, nil))
		users = append(users, u.ID)
		join(t, s, tenant, u.ID, storage.Membership{GroupID: "a"})
	}
	first := users[0]
	join(t, s, tenant, first, storage.Membership{GroupID: "b", Upstream: "corp"}, storage.Membership{GroupID: "a"},
		storage.Membership{GroupID: "a", Upstream: "corp"})
	all, err := s.MembershipsOf(ctx, tenant, first)
	same(t, all, err, []storage.Membership{
		{GroupID: "a", Since: now}, {GroupID: "a", Upstream: "corp", Since: now},
		{GroupID: "b", Upstream: "corp", Since: now},
	})
	seen := pages(t, func(after string, limit int) ([]storage.User, error) {
		return s.Members(ctx, tenant, "a", after, limit)
	}, func(u storage.User) string { return u.ID })
	if len(seen) != 5 {
		t.Errorf("got %v, want each of five members once", seen)
	}
	leave := func(m storage.Membership) {
		t.Helper()
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: first, Now: now, Leave: []storage.Membership{m}}))
	}
	leave(storage.Membership{GroupID: "a"})
	leave(storage.Membership{GroupID: "missing"})
	if !slices.Contains(membersOf(t, s, tenant, "a"), first) {
		t.Error("the membership that the upstream gave has ended, too")
	}
	leave(storage.Membership{GroupID: "a", Upstream: storage.AllIDs})
	if slices.Contains(membersOf(t, s, tenant, "a"), first) {
		t.Error("the user is still a member")
	}
	must(t, AddIdentity(ctx, s, storage.Identity{TenantID: tenant, Provider: "corp", Subject: "1", UserID: first}))
	must(t, AddIdentity(ctx, s, storage.Identity{TenantID: tenant, Provider: "corp", Subject: "2", UserID: first}))
	join(t, s, tenant, first, storage.Membership{GroupID: "b"})
	for _, subject := range []string{"1", "2"} {
		identity := storage.Identity{TenantID: tenant, Provider: "corp", Subject: subject, UserID: first}
		must(t, RemoveIdentity(ctx, s, identity))
		all, err := s.MembershipsOf(ctx, tenant, first)
		if must(t, err); len(all) != map[string]int{"1": 2, "2": 1}[subject] || all[0].Upstream != "" {
			t.Errorf("after unlinking %s: got %+v", subject, all)
		}
	}
	want(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: first, Now: now,
		Join: []storage.Membership{{GroupID: "c"}, {GroupID: "missing"}}}), storage.ErrNotFound)
	if len(membersOf(t, s, tenant, "c")) > 0 {
		t.Error("half of a change was made")
	}
	want(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: newID(), Now: now,
		Join: []storage.Membership{{GroupID: "c"}}}), storage.ErrNotFound)
	must(t, RemoveUser(ctx, s, tenant, users[1], now))
	if slices.Contains(membersOf(t, s, tenant, "a"), users[1]) {
		t.Error("a removed user is a member")
	}
	a := storage.Group{TenantID: tenant, ID: "a"}
	must(t, s.UpdateGroup(ctx, storage.Group{TenantID: tenant, ID: "a", UpdatedAt: now}, time.Time{}))
	want(t, s.RemoveGroup(ctx, storage.Group{TenantID: tenant, ID: "a", UpdatedAt: now.Add(-1)}, now), storage.ErrStale)
	must(t, s.RemoveGroup(ctx, storage.Group{TenantID: tenant, ID: "a", UpdatedAt: now}, now))
	want(t, s.RemoveGroup(ctx, a, now), storage.ErrNotFound)
	must(t, s.AddGroup(ctx, a))
	if got := membersOf(t, s, tenant, "a"); len(got) > 0 {
		t.Errorf("a group of the same id has inherited %v", got)
	}
}

// testLargeGroup removes a group and a role that so many users have that they go in parts.
func testLargeGroup(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	must(t, s.PutClient(ctx, aClient(tenant, "app")))
	must(t, s.AddGroup(ctx, storage.Group{TenantID: tenant, ID: "all"}))
	role := storage.RoleName{Client: "app", Name: "reader"}
	must(t, s.AddRole(ctx, storage.Role{TenantID: tenant, RoleName: role}))
	var users []storage.NewUser
	for range 210 {
		users = append(users, storage.NewUser{User: aUser(tenant, newID())})
	}
	must(t, s.Apply(ctx, storage.Change{TenantID: tenant, Now: now, AddAll: users}))
	for _, u := range users {
		must(t, s.Apply(ctx, storage.Change{TenantID: tenant, UserID: u.ID, Now: now,
			Join: []storage.Membership{{GroupID: "all"}}, GiveRoles: []storage.RoleName{role}}))
	}
	must(t, s.RemoveGroup(ctx, storage.Group{TenantID: tenant, ID: "all"}, now))
	must(t, s.RemoveRole(ctx, storage.Role{TenantID: tenant, RoleName: role}, now))
	b, err := s.Belonging(ctx, tenant, users[209].ID)
	same(t, b, err, storage.Belonging{})
	must(t, s.AddGroup(ctx, storage.Group{TenantID: tenant, ID: "all"}))
	must(t, s.AddRole(ctx, storage.Role{TenantID: tenant, RoleName: role}))
	b, err = s.Belonging(ctx, tenant, users[209].ID)
	same(t, b, err, storage.Belonging{})
}

// testUnique stores values that one user of the tenant may have at a time. They are free again when the user gives them
// up or is removed.
func testUnique(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	set := func(userID string, values map[string]string) error {
		return s.Apply(ctx, storage.Change{TenantID: tenant, UserID: userID, Now: now, Unique: values})
	}
	first, second := aUser(tenant, newID()), aUser(tenant, newID())
	addUsers := func(all ...storage.NewUser) error {
		return s.Apply(ctx, storage.Change{TenantID: tenant, Now: now, AddAll: all})
	}
	must(t, addUsers(storage.NewUser{User: first, Unique: map[string]string{"number": "1", "badge": "x"}},
		storage.NewUser{User: second}))
	want(t, set(second.ID, map[string]string{"number": "1"}), storage.ErrExists)
	must(t, set(second.ID, map[string]string{"number": "2", "badge": "1"}))
	must(t, set(second.ID, nil))
	got, err := s.UserByUnique(ctx, tenant, "number", "2")
	same(t, got.ID, err, second.ID)
	must(t, set(first.ID, map[string]string{"number": "3"}))
	_, err = s.UserByUnique(ctx, tenant, "number", "1")
	want(t, err, storage.ErrNotFound)
	must(t, set(second.ID, map[string]string{"number": "1", "badge": "x"}))
	must(t, RemoveUser(ctx, s, tenant, second.ID, now))
	must(t, set(first.ID, map[string]string{"number": "1", "badge": "x"}))
	third := storage.NewUser{User: aUser(tenant, newID()), Unique: map[string]string{"badge": "x"}}
	want(t, addUsers(third), storage.ErrExists)
	must(t, set(first.ID, map[string]string{}))
	must(t, addUsers(third))
}
