package storagetest

import (
	"errors"
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

// testUsersFrom finds users by the beginning of each kind of key. The text is no pattern: % stands for itself. A number
// that is not verified finds no user.
func testUsersFrom(t *testing.T, s Store) {
	ctx, tenant := t.Context(), newTenant(t, s)
	var ids []string
	for _, name := range []string{"ann", "anna", "bob"} {
		u := aUser(tenant, newID())
		u.Email, u.EmailKey = name+"@example.com", name+"@example.com"
		u.Username, u.UsernameKey, u.UsernameSkeleton = name, name, name
		u.Phone, u.PhoneVerified = map[string]string{"ann": "+431", "anna": "+432", "bob": "+49"}[name], name != "anna"
		must(t, AddUser(ctx, s, u, nil, nil))
		ids = append(ids, u.ID)
	}
	for _, c := range []struct {
		by               storage.UserKey
		beginning, after string
		limit            int
		want             []string
	}{
		{storage.ByEmail, "an", "", 9, ids[:2]}, {storage.ByEmail, "an", "ann@example.com", 9, ids[1:2]},
		{storage.ByUsername, "an", "", 1, ids[:1]}, {storage.ByUsername, "x", "", 9, nil},
		{storage.ByUsername, "%", "", 9, nil},
		{storage.ByPhone, "+43", "", 9, ids[:1]}, {storage.ByID, ids[2], "", 9, ids[2:]},
	} {
		all, err := s.UsersFrom(ctx, tenant, c.by, c.beginning, c.after, c.limit)
		must(t, err)
		var got []string
		for _, u := range all {
			got = append(got, u.ID)
		}
		same(t, got, nil, c.want)
	}
	all, err := s.UsersFrom(ctx, newTenant(t, s), storage.ByEmail, "", "", 9)
	same(t, all, err, nil)
}
