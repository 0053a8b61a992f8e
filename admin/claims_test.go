package admin_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// TestClaimsAreExplained: a supporter sees what a client learns about a user, with the reason for what is missing, and
// nothing of other tenants.
func TestClaimsAreExplained(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		owner, support := s.as("acme", storage.RoleOwner), s.as("acme", storage.RoleSupport)
		id := s.add(owner.tenant, storage.User{Email: "jo@example.com", EmailKey: "jo@example.com", EmailVerified: true})
		owner.do("PUT", "/groups/staff", fields{}).is(200)
		owner.do("PUT", "/groups/staff/members/"+id, nil).is(204)
		owner.do("PUT", "/clients/wiki", fields{
			"grant_types": []string{"client_credentials"}, "scope": "openid email groups",
			"claims": []any{fields{
				"claim": "teams", "from": "groups", "scope": "groups", "as": "list", "in": []string{"id_token"},
			}}}).is(201)
		path := "/users/" + id + "/claims/wiki"
		claim := func(query, name string) fields {
			s.Helper()
			all := support.do("GET", path+query, nil).is(200).items()
			i := slices.IndexFunc(all, func(c fields) bool { return c["claim"] == name })
			if i < 0 {
				s.Fatalf("got %v, want %s", all, name)
			}
			return all[i]
		}
		if c := claim("", "teams"); c["rule"] != "client" || c["absent"] != nil || len(c["value"].([]any)) != 1 {
			s.Errorf("got %v, want the group", c)
		}
		if c := claim("", "email"); c["value"] != "jo@example.com" || c["rule"] != "built in" || c["absent"] != nil {
			s.Errorf("got %v, want the address", c)
		}
		if c := claim("?scope=openid", "email"); c["absent"] != "the scope email isn't asked for" {
			s.Errorf("got %v, want that the scope is missing", c)
		}
		sam := s.add(owner.tenant, storage.User{Email: "sam@example.com", EmailKey: "sam@example.com"})
		for allow, want := range map[string][2]any{
			`{"groups":["staff"]}`:                {nil, "group"},
			`{"email_domains":["other.example"]}`: {"domain", "unverified"},
			`{"verified_email":true}`:             {nil, "unverified"},
			`{}`:                                  {nil, nil},
		} {
			owner.do("PATCH", "/clients/wiki", fields{"allow": nil}, patchType).is(200)
			owner.do("PATCH", "/clients/wiki", fields{"allow": json.RawMessage(allow)}, patchType).is(200)
			for i, user := range []string{id, sam} {
				got := support.do("GET", "/users/"+user+"/claims/wiki", nil).is(200).get("refused")
				if got != want[i] {
					s.Errorf("%s: got %v, want %v", allow, got, want[i])
				}
			}
		}
		support.do("GET", "/users/"+id+"/claims/none", nil).is(404)
		s.as("", storage.RoleOwner).do("GET", path, nil).is(404)
	})
}
