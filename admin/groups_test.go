package admin_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestGroupsHaveMembers(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, other := s.as("acme", storage.RoleAdministrator), s.as("", storage.RoleOwner)
		a.do("POST", "/groups", fields{"id": "editors", "title": "Editors"}).is(201)
		a.do("POST", "/groups", fields{"id": "editors"}).is(409, "exists")
		a.do("POST", "/groups", fields{"id": "No Group", "title": "x\n"}).is(422).has("/id", "invalid").
			has("/title", "invalid")
		renamed := a.do("PUT", "/groups/editors", fields{"title": "The editors"}).is(200)
		if renamed.text("title") != "The editors" {
			s.Errorf("got %s, want the new title", renamed.raw)
		}
		a.do("PUT", "/groups/readers", fields{"id": "other"}).is(422).has("/id", "invalid")
		a.do("PUT", "/groups/readers", a.do("PUT", "/groups/readers", fields{}).is(200).body).is(200)
		s.meetsConditions(a, "/groups/editors", renamed)
		if all := a.do("GET", "/groups", nil).items(); len(all) != 2 {
			s.Errorf("got %v, want two groups", all)
		}
		var ids []string
		for _, name := range []string{"ann", "bob", "cleo"} {
			ids = append(ids, s.add(a.tenant, storage.User{Username: name, UsernameKey: name}))
			a.do("PUT", "/groups/editors/members/"+ids[len(ids)-1], nil).is(204)
		}
		a.do("PUT", "/groups/editors/members/"+ids[0], nil).is(204)
		a.do("PUT", "/groups/none/members/"+ids[0], nil).is(404)
		page := a.do("GET", "/groups/editors/members?limit=2", nil).is(200)
		rest := a.do("GET", "/groups/editors/members?limit=2&after="+page.text("next"), nil).is(200)
		if len(page.items()) != 2 || len(rest.items()) != 1 {
			s.Errorf("got %s and %s, want three members", page.raw, rest.raw)
		}
		if got := a.do("GET", "/users/"+ids[0]+"/groups", nil).is(200); got.items()[0]["group"] != "editors" {
			s.Errorf("got %s, want the group", got.raw)
		}
		a.do("DELETE", "/groups/editors/members/"+ids[0], nil).is(204)
		a.do("DELETE", "/groups/editors/members/"+ids[0], nil).is(404)
		for _, path := range []string{"/groups/editors", "/groups/editors/members"} {
			other.do("GET", path, nil).is(404)
		}
		other.do("PUT", "/groups/editors/members/"+ids[1], nil).is(404)
		a.do("DELETE", "/groups/editors", nil).is(204)
		a.do("GET", "/groups/editors", nil).is(404)
	})
}

func TestRolesBelongToClientsAndAPIs(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		a.do("PUT", "/clients/shop", fields{"grant_types": []string{"client_credentials"}}).is(201)
		a.do("PUT", "/groups/staff", fields{}).is(200)
		user := s.add(a.tenant, storage.User{Username: "dan", UsernameKey: "dan"})
		made := a.do("PUT", "/clients/shop/roles/editor", fields{"title": "Editor"}).is(200)
		if made.text("name") != "editor" {
			s.Errorf("got %s, want the role", made.raw)
		}
		a.do("PUT", "/clients/none/roles/editor", fields{}).is(404)
		a.do("PUT", "/clients/shop/roles/no%20role", fields{}).is(422).has("/name", "invalid")
		a.do("PUT", "/clients/shop/roles/editor", fields{"name": "other"}).is(422).has("/name", "invalid")
		s.meetsConditions(a, "/clients/shop/roles/editor", made)
		other := s.as("", storage.RoleOwner)
		for kind, id := range map[string]string{"users": user, "groups": "staff", "services": "shop"} {
			list := "/clients/shop/roles/editor/" + kind
			path := list + "/" + id
			a.do("PUT", path, nil).is(204)
			a.do("PUT", path, nil).is(204)
			if all := a.do("GET", list, nil).is(200).items(); len(all) != 1 || all[0]["id"] != id {
				s.Errorf("%s: got %v, want %s", list, all, id)
			}
			other.do("GET", list, nil).is(404)
			a.do("GET", "/clients/shop/roles/none/"+kind, nil).is(404)
			a.do("DELETE", path, nil).is(204)
			a.do("DELETE", path, nil).is(404)
		}
		a.do("PUT", "/clients/shop/roles/editor/users/none", nil).is(404)
		api := "/apis/" + url.PathEscape("https://orders.example/v1") + "/roles"
		a.do("PUT", api+"/clerk", fields{}).is(404)
		a.do("PATCH", "/tenant", fields{"apis": []any{fields{"identifier": "https://orders.example/v1"}}}).is(200)
		s.serve()
		a.do("PUT", api+"/clerk", fields{}).is(200)
		if got := a.do("GET", api, nil).is(200); !strings.Contains(got.raw, `"clerk"`) {
			s.Errorf("got %s, want the role of the API", got.raw)
		}
		a.do("DELETE", api+"/clerk", nil).is(204)
		if all := a.do("GET", "/clients/shop/roles", nil).items(); len(all) != 1 {
			s.Errorf("got %v, want one role", all)
		}
		a.do("DELETE", "/clients/shop/roles/editor", nil).is(204)
	})
}

// meetsConditions reads a group or a role by its tag, changes and removes it under conditions, and adds it again.
// was is the answer to the last change.
func (s *server) meetsConditions(a *api, path string, was *reply) {
	s.Helper()
	read := a.do("GET", path, nil).is(200)
	tag := read.header.Get("ETag")
	if tag == "" || tag != was.header.Get("ETag") || read.raw != was.raw {
		s.Fatalf("%s: got %s %s after %s %s", path, tag, read.raw, was.header.Get("ETag"), was.raw)
	}
	a.do("GET", path, nil, "If-None-Match: "+tag).is(304)
	a.do("PUT", path, fields{"title": "x"}, "If-None-Match: *").is(412, "precondition_failed")
	a.do("PUT", path+"-new", fields{"title": "x"}, "If-Match: *").is(412, "precondition_failed")
	a.do("GET", path+"-new", nil).is(404)
	changed := a.do("PUT", path, fields{"title": "x"}, "If-Match: "+tag).is(200)
	if now := a.do("PUT", path, fields{"title": "y"}, "If-Match: "+tag).is(412).header.Get("ETag"); now == tag ||
		now != changed.header.Get("ETag") {
		s.Errorf("%s: got the tag %s, want that of now", path, now)
	}
	a.do("DELETE", path, nil, "If-Match: "+tag).is(412)
	if again := a.do("PUT", path, a.do("GET", path, nil).body).is(200); again.raw != changed.raw {
		s.Errorf("%s: got %s, want a PUT of what was read to change nothing", path, again.raw)
	}
	a.do("DELETE", path, nil, "If-Match: "+changed.header.Get("ETag")).is(204)
	a.do("PUT", path, fields{"title": "again"}, "If-None-Match: *").is(200)
}

// TestHoldersOfARoleComeInPages gives a role to several users and groups.
func TestHoldersOfARoleComeInPages(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		a.do("PUT", "/clients/shop", fields{"grant_types": []string{"client_credentials"}}).is(201)
		a.do("PUT", "/clients/shop/roles/editor", fields{}).is(200)
		for _, name := range []string{"ann", "bob", "cleo"} {
			id := s.add(a.tenant, storage.User{Username: name, UsernameKey: name})
			a.do("PUT", "/groups/"+name, fields{"title": name}).is(200)
			a.do("PUT", "/clients/shop/roles/editor/users/"+id, nil).is(204)
			a.do("PUT", "/clients/shop/roles/editor/groups/"+name, nil).is(204)
		}
		for kind, name := range map[string]string{"users": "username", "groups": "title"} {
			path := "/clients/shop/roles/editor/" + kind + "?limit=2"
			page := a.do("GET", path, nil).is(200)
			rest := a.do("GET", path+"&after="+page.text("next"), nil).is(200)
			all := append(page.items(), rest.items()...)
			if len(all) != 3 || all[0][name] != "ann" || all[2][name] != "cleo" || rest.get("next") != nil {
				s.Errorf("%s: got %v", kind, all)
			}
			a.do("GET", "/groups?after="+page.text("next"), nil).is(400).has("after", "invalid")
		}
	})
}

func TestUsersHaveAttributes(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		a.do("PATCH", "/tenant", fields{"attributes": []any{
			fields{"name": "floor", "type": "number"}, fields{"name": "team", "unique": true},
		}}).is(200)
		s.serve()
		made := a.do("POST", "/users", fields{"username": "kim", "attributes": fields{"floor": 3, "team": "red"}}).is(201)
		at := "/users/" + made.text("id")
		if got := a.do("PUT", at, made.body).is(200); got.raw != made.raw || got.get("attributes.floor") != 3.0 {
			s.Errorf("got %s, want a PUT of what was read to change nothing: %s", got.raw, made.raw)
		}
		got := a.do("PATCH", at, fields{"attributes": fields{"floor": nil}}).is(200)
		if got.get("attributes.floor") != nil || got.text("attributes.team") != "red" {
			s.Errorf("got %s, want one attribute left", got.raw)
		}
		a.do("PATCH", at, fields{"attributes": fields{"floor": "three", "odd": 1}}).is(422).
			has("/attributes/floor", "invalid").has("/attributes/odd", "invalid")
		a.do("POST", "/users", fields{"username": "lee", "attributes": fields{"team": "red"}}).is(422)
	})
}

// TestAGroupGivesManyRoles: a member costs as many statements as another user, however many roles the group gives, and
// has none of them after leaving (FusionAuth/fusionauth-issues#3476).
func TestAGroupGivesManyRoles(t *testing.T) {
	t.Parallel()
	a := start(t, "sqlite::memory:").as("acme", storage.RoleAdministrator)
	a.do("PUT", "/clients/wiki", fields{"redirect_uris": []string{"https://wiki.example/"},
		"token_endpoint_auth_method": "none"}).is(201)
	a.do("POST", "/groups", fields{"id": "staff"}).is(201)
	const many = 1500
	for i := range many {
		r := storage.RoleName{Client: "wiki", Name: fmt.Sprintf("r%d", i)}
		check(t, a.store.AddRole(t.Context(), storage.Role{TenantID: "acme", RoleName: r}))
		check(t, a.store.GiveRole(t.Context(), "acme", r, storage.RoleHolder{Group: "staff"}, time.Now()))
	}
	id := a.do("POST", "/users", fields{"username": "kim"}).is(201).text("id")
	cost := func(name string) int64 {
		before := a.store.Statements()
		a.do("PATCH", "/users/"+id, fields{"profile": fields{"name": name}}).is(200)
		a.do("GET", "/users/"+id, nil).is(200)
		return a.store.Statements() - before
	}
	roles := func() int {
		b, err := a.store.Belonging(t.Context(), "acme", id)
		check(t, err)
		return len(b.Roles)
	}
	cost("Kim") // what is cached is read
	alone := cost("Kim A")
	a.do("PUT", "/groups/staff/members/"+id, nil).is(204)
	if n := cost("Kim B"); n > alone || roles() != many {
		t.Errorf("a member with %d roles costs %d statements, another user %d", roles(), n, alone)
	}
	a.do("DELETE", "/groups/staff/members/"+id, nil).is(204)
	if n := roles(); n > 0 {
		t.Errorf("%d roles are left", n)
	}
}
