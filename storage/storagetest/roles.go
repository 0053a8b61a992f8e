package storagetest

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testRoles adds, changes, lists and removes roles of clients and APIs, and gives them to users, groups and clients.
func testRoles(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	full := filled[storage.Role]()
	full.TenantID, full.RoleName = w.tenant, storage.RoleName{Client: w.client, Name: "admin"}
	must(t, s.AddRole(ctx, full))
	got, err := s.Role(ctx, w.tenant, full.RoleName)
	same(t, got, err, full)
	want(t, s.AddRole(ctx, full), storage.ErrExists)
	missing := full
	missing.Client = "missing"
	want(t, s.AddRole(ctx, missing), storage.ErrNotFound)
	want(t, s.UpdateRole(ctx, missing, time.Time{}), storage.ErrNotFound)
	was := full.UpdatedAt
	full.Title, full.UpdatedAt = "changed", now
	want(t, s.UpdateRole(ctx, full, now.Add(time.Hour)), storage.ErrStale)
	must(t, s.UpdateRole(ctx, full, was))
	got, err = s.Role(ctx, w.tenant, full.RoleName)
	same(t, got, err, full)
	api := full
	api.RoleName = storage.RoleName{API: w.client, Name: "admin"} // the same name at an API is another role
	must(t, s.AddRole(ctx, api))
	for _, name := range []string{"a", "b"} {
		must(t, s.AddRole(ctx, storage.Role{TenantID: w.tenant, RoleName: storage.RoleName{API: w.client, Name: name}}))
	}
	seen := pages(t, func(after string, limit int) ([]storage.Role, error) {
		return s.RolesOfAPI(ctx, w.tenant, w.client, after, limit)
	}, func(r storage.Role) string { return r.Name })
	seenOfClient := pages(t, func(after string, limit int) ([]storage.Role, error) {
		return s.RolesOfClient(ctx, w.tenant, w.client, after, limit)
	}, func(r storage.Role) string { return r.Name })
	if len(seen) != 3 || len(seenOfClient) != 2 {
		t.Errorf("got %v and %v", seen, seenOfClient)
	}
	t.Run("holders", func(t *testing.T) { testHolders(t, w, full.RoleName, api.RoleName) })
}

// testHolders gives two roles to all kinds of holders, and takes them.
func testHolders(t *testing.T, w *world, one, other storage.RoleName) {
	ctx, s := t.Context(), w.s
	list := map[string]func(after string, limit int) ([]string, error){
		"user": func(after string, limit int) ([]string, error) {
			all, err := s.UserHolders(ctx, w.tenant, one, after, limit)
			return ids(all, func(u storage.User) string { return u.ID }), err
		},
		"group": func(after string, limit int) ([]string, error) {
			all, err := s.GroupHolders(ctx, w.tenant, one, after, limit)
			return ids(all, func(g storage.Group) string { return g.ID }), err
		},
		"client": func(after string, limit int) ([]string, error) {
			return s.ClientHolders(ctx, w.tenant, one, after, limit)
		},
	}
	for kind, holder := range map[string]storage.RoleHolder{
		"user": {User: w.user}, "group": {Group: "staff"}, "client": {Client: w.other},
	} {
		before, err := s.RolesGiven(ctx, w.tenant, holder)
		must(t, err)
		must(t, s.GiveRole(ctx, w.tenant, one, holder, now))
		want(t, s.GiveRole(ctx, w.tenant, one, holder, now), storage.ErrExists)
		must(t, s.GiveRole(ctx, w.tenant, other, holder, now))
		given, err := s.RolesGiven(ctx, w.tenant, holder)
		same(t, given, err, []storage.RoleName{one, before[0], other})
		if seen := pages(t, list[kind], func(id string) string { return id }); len(seen) != 1 {
			t.Errorf("%s: got holders %v", kind, seen)
		}
		must(t, s.TakeRole(ctx, w.tenant, one, holder))
		want(t, s.TakeRole(ctx, w.tenant, one, holder), storage.ErrNotFound)
		if seen := pages(t, list[kind], func(id string) string { return id }); len(seen) != 0 {
			t.Errorf("%s: got holders %v", kind, seen)
		}
		want(t, s.GiveRole(ctx, w.tenant, storage.RoleName{Client: w.client, Name: "x"}, holder, now), storage.ErrNotFound)
	}
	for _, holder := range []storage.RoleHolder{{User: "missing"}, {Group: "missing"}, {Client: "missing"}} {
		want(t, s.GiveRole(ctx, w.tenant, one, holder, now), storage.ErrNotFound)
	}
	change := func(ch storage.Change) error {
		ch.TenantID, ch.UserID, ch.Now = w.tenant, w.user, now
		return s.Apply(ctx, ch)
	}
	for range 2 { // what is so already changes nothing
		must(t, change(storage.Change{GiveRoles: []storage.RoleName{one}}))
	}
	want(t, change(storage.Change{GiveRoles: []storage.RoleName{{Client: w.client, Name: "x"}}}), storage.ErrNotFound)
	for range 2 {
		must(t, change(storage.Change{TakeRoles: []storage.RoleName{one}}))
	}
	must(t, change(storage.Change{GiveRoles: []storage.RoleName{one}}))
	role := storage.Role{TenantID: w.tenant, RoleName: one, UpdatedAt: now.Add(time.Hour)}
	want(t, s.RemoveRole(ctx, role, now), storage.ErrStale)
	role.UpdatedAt = now
	must(t, s.RemoveRole(ctx, role, now))
	want(t, s.RemoveRole(ctx, role, now), storage.ErrNotFound)
	must(t, s.AddRole(ctx, role))
	if seen := pages(t, list["user"], func(id string) string { return id }); len(seen) != 0 {
		t.Errorf("a role of the same name has inherited %v", seen)
	}
}

// testRolesOfRemoved removes what roles belong to.
func testRolesOfRemoved(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	const api = "https://api.example.com"
	role := storage.RoleName{API: api, Name: "reader"}
	tenant, err := s.Tenant(ctx, w.tenant)
	must(t, err)
	tenant.Settings.APIs = []storage.API{{Identifier: api}}
	must(t, s.UpdateTenant(ctx, tenant))
	must(t, s.AddRole(ctx, storage.Role{TenantID: w.tenant, RoleName: role}))
	must(t, s.GiveRole(ctx, w.tenant, role, storage.RoleHolder{User: w.user}, now))
	must(t, s.UpdateTenant(ctx, tenant))
	b, err := s.Belonging(ctx, w.tenant, w.user)
	same(t, b.RolesAt(w.client, api), err, []string{"editor", "reader"})
	tenant.Settings.APIs = nil
	must(t, s.UpdateTenant(ctx, tenant))
	b, err = s.Belonging(ctx, w.tenant, w.user)
	same(t, b.RolesAt(w.client, api), err, []string{"editor"})
	must(t, s.RemoveClient(ctx, w.tenant, w.client, now))
	must(t, s.PutClient(ctx, aClient(w.tenant, w.client)))
	b, err = s.Belonging(ctx, w.tenant, w.user)
	same(t, b.RolesAt(w.client), err, nil)
	must(t, s.RemoveClient(ctx, w.tenant, w.other, now))
	given, err := s.ClientRoles(ctx, w.tenant, w.other)
	same(t, given, err, nil)
}

// testBelonging reads what a user belongs to with everything that reads a user for a token.
func testBelonging(t *testing.T, s Store) {
	ctx := t.Context()
	w := newWorld(t, s)
	must(t, s.AddGroup(ctx, storage.Group{TenantID: w.tenant, ID: "all"}))
	join(t, s, w.tenant, w.user, storage.Membership{GroupID: "all", Upstream: "corp"}, storage.Membership{GroupID: "all"})
	role := storage.RoleName{API: "https://api.example.com", Name: "reader"}
	must(t, s.AddRole(ctx, storage.Role{TenantID: w.tenant, RoleName: role}))
	must(t, s.GiveRole(ctx, w.tenant, role, storage.RoleHolder{Group: "all"}, now))
	all := storage.Belonging{
		Groups: []string{"all", "staff"}, Roles: []storage.RoleName{{Client: w.client, Name: "editor"}, role},
	}
	b, err := s.Belonging(ctx, w.tenant, w.user)
	same(t, b, err, all)
	user, err := s.User(ctx, w.tenant, w.user)
	must(t, err)
	for name, read := range map[string]func(*storage.Belonging) (storage.User, error){
		"RedeemCode": func(also *storage.Belonging) (storage.User, error) {
			return s.RedeemCode(ctx, aGrant(w.tenant, newID(), w.user, w.client, w.session), also)
		},
		"RedeemCode offline": func(also *storage.Belonging) (storage.User, error) {
			g := aGrant(w.tenant, newID(), w.user, w.client, w.session)
			g.Offline = true
			return s.RedeemCode(ctx, g, also)
		},
		"RedeemCode with consent": func(also *storage.Belonging) (storage.User, error) {
			g := aGrant(w.tenant, newID(), w.user, w.client, w.session)
			g.Consented = true
			return s.RedeemCode(ctx, g, also)
		},
		"LiveGrant": func(also *storage.Belonging) (storage.User, error) {
			_, u, err := s.LiveGrant(ctx, w.tenant, w.grant, "", now, also)
			return u, err
		},
		"Touch": func(also *storage.Belonging) (storage.User, error) {
			g, _, err := s.LiveGrant(ctx, w.tenant, w.grant, "", now, nil)
			must(t, err)
			_, u, err := s.Touch(ctx, w.tenant, w.grant, w.client, g.Generation, now.Add(time.Hour), now, also)
			return u, err
		},
		"Rotate": func(also *storage.Belonging) (storage.User, error) {
			g, _, err := s.LiveGrant(ctx, w.tenant, w.grant, "", now, nil)
			must(t, err)
			_, u, err := s.Rotate(ctx, w.tenant, w.grant, w.client, g.Generation, now.Add(time.Hour), now, also)
			return u, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var also storage.Belonging
			u, err := read(&also)
			same(t, u, err, user)
			same(t, also, nil, all)
		})
	}
	stranger := aUser(w.tenant, newID())
	must(t, AddUser(ctx, s, stranger, nil, nil))
	b, err = s.Belonging(ctx, w.tenant, stranger.ID)
	same(t, b, err, storage.Belonging{})
}
