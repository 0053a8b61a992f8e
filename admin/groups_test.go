package admin_test

import (
	"net/url"
	"strings"
	"testing"

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
		for _, holder := range []string{"users/" + user, "groups/staff", "services/shop"} {
			path := "/clients/shop/roles/editor/" + holder
			a.do("PUT", path, nil).is(204)
			a.do("PUT", path, nil).is(204)
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
