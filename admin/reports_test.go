package admin_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

// TestAnIDOfAnotherTenantIsFree: a user with an id that another tenant's user has or had belongs to the caller's tenant
// alone. Another product adds such users where the id was used first (zitadel/zitadel#11020).
func TestAnIDOfAnotherTenantIsFree(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, other := s.as("acme", storage.RoleOwner), s.as("", storage.RoleOwner)
		for _, removed := range []bool{false, true} {
			at := "/users/" + uuid.NewString()
			name := fmt.Sprint("jo", removed)
			other.do("PUT", at, fields{"username": name, "profile": fields{"name": "Jo"}}).is(201)
			if removed {
				other.do("DELETE", at, nil).is(204)
			}
			if made := a.do("PUT", at, fields{"username": name}).is(201); made.get("profile.name") != nil {
				s.Errorf("got %s, want nothing of the other", made.raw)
			}
			a.do("POST", at+":disable", nil).is(200)
			got := other.do("GET", at, nil)
			if removed != (got.status == 404) || !removed && got.get("disabled") == true {
				s.Errorf("at the other tenant: got %d %s", got.status, got.raw)
			}
		}
	})
}

// TestClaimRulesGiveNoRights: an administrator who manages clients gives tokens no scope, role or name that opens this
// API, by whatever claim (keycloak/keycloak#50445).
func TestClaimRulesGiveNoRights(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		a.do("PUT", "/clients/app", fields{"grant_types": []string{"client_credentials"}}).is(201)
		rule := func(claim string, value any) fields {
			return fields{"claims": []any{fields{"claim": claim, "value": value, "in": []string{"access_token", "id_token"}}}}
		}
		for _, claim := range []string{"scope", "Scope", "sub", "aud", "iss", "client_id", "act", "cnf", "acr", "auth_time",
			"azp", "exp", "jti", "amr", "sid"} {
			a.do("PATCH", "/clients/app", rule(claim, "administrators:write")).is(422, "invalid_fields")
			a.do("PATCH", "/tenant", rule(claim, "administrators:write")).is(422, "invalid_fields")
		}
		for _, claim := range []string{"admin_role", "realm_access", "permissions"} {
			a.do("PATCH", "/clients/app", rule(claim, []string{"owner", "administrators:write"})).is(200)
		}
	})
}

// TestPagesGoOnWhenTheirEntriesAreRemoved: a program that removes what each page shows meets all users, once. Lists by
// offsets skip some, and others answer any number of a page with the same users (ory/kratos#2231).
func TestPagesGoOnWhenTheirEntriesAreRemoved(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleOwner)
		var want, seen []string
		for i := range 7 {
			name := fmt.Sprint("page", i)
			want = append(want, a.do("POST", "/users", fields{"username": name}).is(201).text("id"))
		}
		slices.Sort(want)
		path := "/users?q=page&limit=2"
		for after := ""; ; {
			got := a.do("GET", path+after, nil).is(200)
			for _, u := range got.items() {
				seen = append(seen, u["id"].(string))
				a.do("DELETE", "/users/"+u["id"].(string), nil).is(204)
			}
			next, more := got.body["next"].(string)
			if !more {
				break
			}
			after = "&after=" + next
		}
		if slices.Sort(seen); !slices.Equal(seen, want) {
			s.Errorf("met %v, want %v", seen, want)
		}
		for _, query := range []string{"page=2", "offset=50", "per_page=500", "limit=900000", "limit=0", "limit=-1"} {
			a.do("GET", "/users?"+query, nil).is(400)
		}
	})
}
