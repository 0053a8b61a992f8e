package admin_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestAUserIsAddedReadChangedAndRemoved(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		made := a.do("POST", "/users", fields{
			"email": "Jo@Example.com", "email_verified": true, "username": "jo", "password": "four sturdy words here",
			"profile": fields{"name": "Jo Doe", "address": fields{"country": "AT"}},
		}).is(201)
		id := made.text("id")
		if got := made.header.Get("Location"); got != a.tenant.URL("/api/v1/users/"+id) {
			s.Errorf("got the location %s, want that of the user", got)
		}
		if strings.Contains(made.raw, "sturdy") {
			s.Errorf("got %s, which has the password", made.raw)
		}
		read := a.do("GET", "/users/"+id, nil).is(200)
		if read.raw != made.raw || read.header.Get("ETag") != made.header.Get("ETag") {
			s.Errorf("got %s, want %s", read.raw, made.raw)
		}
		if got := a.do("GET", "/users/"+id, nil, "If-None-Match: "+read.header.Get("ETag")); got.status != 304 {
			s.Errorf("got %d, want 304 for what the client has", got.status)
		}

		// A PUT of what was read changes nothing.
		same := a.do("PUT", "/users/"+id, read.body).is(200)
		if same.raw != read.raw {
			s.Errorf("got %s, want %s", same.raw, read.raw)
		}
		patched := a.do("PATCH", "/users/"+id, fields{"profile": fields{"name": nil, "nickname": "Joe"},
			"roles": []string{"editor"}}, "Content-Type: application/merge-patch+json",
			"If-Match: "+read.header.Get("ETag")).is(200)
		if patched.get("profile.name") != nil || patched.text("profile.nickname") != "Joe" ||
			patched.text("profile.address.country") != "AT" || patched.get("email_verified") != true {
			s.Errorf("got %s, want the patch applied and the rest as it was", patched.raw)
		}
		stale := a.do("PUT", "/users/"+id, read.body, "If-Match: "+read.header.Get("ETag")).is(412, "precondition_failed")
		if stale.header.Get("ETag") != patched.header.Get("ETag") {
			s.Errorf("got the tag %s, want the current one", stale.header.Get("ETag"))
		}
		a.do("PUT", "/users/"+id, read.body, "If-None-Match: *").is(412)
		a.do("DELETE", "/users/"+id, nil, `If-Match: "old"`).is(412)

		a.do("POST", "/users/"+id+":disable", nil).is(200)
		if got := a.do("GET", "/users/"+id, nil); got.get("disabled") != true {
			s.Errorf("got %s, want a disabled user", got.raw)
		}
		a.do("POST", "/users/"+id+":enable", nil).is(200)
		a.do("DELETE", "/users/"+id, nil).is(204)
		a.do("GET", "/users/"+id, nil).is(404, "not_found")
		a.do("PUT", "/users/"+id, fields{"username": "jo"}).is(409, "exists") // an id is never used again

		events, err := s.store.Events(s.Context(), "acme", "", 20)
		check(s, err)
		kinds := make([]string, len(events))
		for i, e := range events {
			kinds[i] = e.Kind
			if e.RequestID == "" || e.IP != "192.0.2.1" {
				s.Errorf("got %+v, want the event of a request", e)
			}
		}
		if want := []string{storage.EventUserRemoved, storage.EventUserEnabled, storage.EventUserDisabled,
			storage.EventProfileChanged, storage.EventUserAdded}; !slices.Equal(kinds, want) {
			s.Errorf("got %v, want an event for each change, and none for the PUT that changed nothing", kinds)
		}
	})
}

func TestAUserIsPutUnderAChosenID(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, id := s.as("", storage.RoleAdministrator), uuid.NewString()
		body := fields{"username": "kim", "external_id": "k-1"}
		preview := a.do("PUT", "/users/"+id+"?dry_run=true", body).is(200)
		if preview.get("dry_run") != true || !strings.Contains(preview.raw, `"kim"`) {
			s.Errorf("got %s, want what would be added", preview.raw)
		}
		a.do("GET", "/users/"+id, nil).is(404)
		a.do("PUT", "/users/"+id, body, "If-Match: *").is(412)
		made := a.do("PUT", "/users/"+id, body, "If-None-Match: *").is(201)
		if made.text("id") != id || made.header.Get("Location") == "" {
			s.Errorf("got %s, want the id of the path", made.raw)
		}
		body["email"], body["disabled"] = "kim@example.com", true
		preview = a.do("PUT", "/users/"+id+"?dry_run=true", body).is(200)
		var told struct {
			Changes []struct {
				Name     string
				From, To any
			}
		}
		check(s, json.Unmarshal([]byte(preview.raw), &told))
		if len(told.Changes) != 2 || told.Changes[0].To != "kim@example.com" || told.Changes[1].Name != "disabled" {
			s.Errorf("got %s, want the address and that the user would be disabled", preview.raw)
		}
		if got := a.do("GET", "/users/"+id, nil); got.raw != made.raw[:len(made.raw)] {
			s.Errorf("got %s, want nothing changed by a preview", got.raw)
		}
		a.do("PUT", "/users/"+id, body).is(200)
		a.do("PUT", "/users/"+id, fields{"id": uuid.NewString(), "username": "kim"}).is(422).has("/id", "invalid")
		a.do("PUT", "/users/"+id, fields{"username": "kim", "external_id": "k-2"}).is(422).has("/external_id", "invalid")
		a.do("PUT", "/users/not-a-uuid", fields{"username": "x"}).is(422).has("/id", "invalid")
		a.do("POST", "/users?dry_run=true", fields{"username": "lee"}).is(200)
		a.do("DELETE", "/users/"+id+"?dry_run=true", nil).is(200)
		a.do("POST", "/users/"+id+":enable?dry_run=true", nil).is(200)
		if a.do("GET", "/users/"+id, nil).is(200).get("disabled") != true {
			s.Errorf("a preview enabled the user")
		}
	})
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("", storage.RoleAdministrator)
		a.do("POST", "/users", fields{"emial": "x", "email_verified": "yes", "profile": fields{"name": 1}, "password": nil}).
			is(400, "invalid_fields").has("/emial", "unknown").has("/email_verified", "type").has("/profile/name", "type").
			has("/password", "type")
		a.do("POST", "/users", fields{}).is(422, "invalid_fields").has("/names", "invalid")
		all := fields{"id": "me", "email": "a@", "username": "a b", "phone_number": "12", "profile": fields{
			"website": "ftp://x", "name": "a\u0007"}}
		refused := a.do("POST", "/users", with(all, "password", "password")).is(422, "invalid_fields")
		for _, field := range []string{"/id", "/email", "/username", "/phone_number", "/website", "/name", "/password"} {
			refused.has(field, "invalid")
		}
		id := a.do("POST", "/users", fields{"username": "pat"}).is(201).get("id").(string)
		delete(all, "id")
		refused = a.do("PUT", "/users/"+id, all).is(422, "invalid_fields")
		for _, field := range []string{"/email", "/username", "/phone_number", "/website", "/name"} {
			refused.has(field, "invalid")
		}
		a.do("POST", "/users", fields{"email": "a@example.com", "password": "password"}).is(422).has("/password", "invalid")
		a.do("POST", "/users", fields{"email": "a@example.com"}).is(201)
		a.do("POST", "/users", fields{"email": "A@EXAMPLE.com"}).is(422).has("/email", "taken")
		a.do("GET", "/users?limit=0&page=2", nil).is(400).has("limit", "invalid").has("page", "unknown")
		a.do("GET", "/users?after=x", nil).is(400).has("after", "invalid")
		a.do("POST", "/users", nil).is(415)
		a.do("PATCH", "/users/"+uuid.NewString(), fields{"email": "b@example.com"}).is(404)
		a.do("DELETE", "/users", nil).is(405)
		a.do("GET", "/nothing", nil).is(404, "not_found")
		a.do("POST", "/users", fields{"email": strings.Repeat("x", 70_000)}).is(413)
	})
}

// with returns the fields with one more.
func with(of fields, name string, value any) fields {
	more := maps.Clone(of)
	more[name] = value
	return more
}

func TestUsersAreFoundByBeginningsPageByPage(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, acme := s.as("acme", storage.RoleSupport), s.tenant("acme")
		var want []string
		for i := range 5 {
			name := fmt.Sprintf("robin%d", i)
			u := storage.User{Username: name, UsernameKey: name, UsernameSkeleton: name}
			if i%2 == 0 {
				u.Email, u.EmailKey = name+"@example.com", name+"@example.com"
			}
			want = append(want, s.add(acme, u))
		}
		s.add(acme, storage.User{Phone: "+4312345678", PhoneVerified: true})
		s.add(s.tenant(""), storage.User{Username: "robin9", UsernameKey: "robin9", UsernameSkeleton: "robin9"})
		for _, query := range []string{"q=ROB", "limit=200"} {
			var got []string
			next, pages := "", 0
			for next != "" || pages == 0 {
				r := a.do("GET", "/users?limit=2&"+strings.TrimPrefix(query, "limit=200")+next, nil).is(200)
				for _, u := range r.items() {
					if slices.Contains(want, u["id"].(string)) {
						got = append(got, u["id"].(string))
					}
				}
				next, pages = "", pages+1
				if cursor, ok := r.body["next"].(string); ok {
					if next = "&after=" + cursor; !strings.Contains(r.header.Get("Link"), "after="+cursor) {
						s.Errorf("got the link %q, want the next page", r.header.Get("Link"))
					}
				}
				if pages > 9 {
					s.Fatal("the list does not end")
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				s.Errorf("%s: got %v, want each user once: %v", query, got, want)
			}
		}
		for query, n := range map[string]int{
			"q=robin3": 1, "q=%2B431": 1, "q=%25": 0, "q=" + want[0]: 1, "username=Robin1": 1, "email=robin2@example.com": 1,
			"email=nobody@example.com": 0, "external_id=x": 0, "email=not%20one": 0, "q=robin9": 0,
		} {
			if got := len(a.do("GET", "/users?"+query, nil).is(200).items()); got != n {
				s.Errorf("%s: got %d users, want %d", query, got, n)
			}
		}
		a.do("GET", "/users?q=a&email=b", nil).is(400).has("q", "invalid")
		cursor := a.do("GET", "/users?limit=1", nil).text("next")
		a.do("GET", "/users?q=rob&after="+cursor, nil).is(400).has("after", "invalid")
		s.as("", storage.RoleSupport).do("GET", "/users?after="+cursor, nil).is(400).has("after", "invalid")
	})
}

func TestAStrongerAdministratorIsOutOfReach(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		root := s.tenant("")
		owner := s.add(root, storage.User{AdminRole: storage.RoleOwner, Username: "boss", UsernameKey: "boss"})
		s.add(root, storage.User{AdminRole: storage.RoleOwner})
		auditor := s.add(root, storage.User{AdminRole: storage.RoleAuditor})
		for _, a := range []*api{s.as("", storage.RoleAdministrator), s.as("", storage.RoleSupport),
			s.service("", "users:write", "users:read", "clients:write")} {
			for _, c := range []struct {
				method, path string
				body         any
			}{
				{"PUT", "", fields{"username": "boss2"}}, {"PATCH", "", fields{"email": "evil@example.com"}}, {"DELETE", "", nil},
				{"POST", ":disable", nil}, {"POST", ":enable", nil}, {"PUT", "?dry_run=true", fields{"username": "boss2"}},
			} {
				a.do(c.method, "/users/"+owner+c.path, c.body).is(403, "outranked")
			}
		}
		s.as("", storage.RoleSupport).do("POST", "/users/"+auditor+":disable", nil).is(403, "outranked")
		s.as("", storage.RoleAdministrator).do("POST", "/users/"+auditor+":disable", nil).is(200)
		renamed := s.as("", storage.RoleOwner).do("PATCH", "/users/"+owner, fields{"username": "chief"}).is(200)
		if renamed.text("status.admin_role") != "owner" {
			s.Errorf("got %s, want the role as it was", renamed.raw)
		}
		// There is no member by which a role could be given.
		s.as("", storage.RoleAdministrator).do("POST", "/users", fields{"username": "x", "admin_role": "owner"}).is(400)
		got := s.as("", storage.RoleAdministrator).do("POST", "/users", fields{"username": "x",
			"roles": []string{"owner", "admin"}, "status": fields{"admin_role": "owner"}}).is(201)
		if got.get("status.admin_role") != nil {
			s.Errorf("got %s, want no administrator", got.raw)
		}
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, acme := s.as("acme", storage.RoleOwner), s.tenant("acme")
		all, err := s.store.Administrators(s.Context(), acme.ID, "", 10)
		check(s, err)
		first := all[0].ID
		a.do("DELETE", "/users/"+first, nil).is(409, "last_owner")
		a.do("POST", "/users/"+first+":disable", nil).is(409, "last_owner")
		a.do("PATCH", "/users/"+first, fields{"username": "z", "disabled": true}).is(409, "last_owner")
		for range 3 {
			second := s.add(acme, storage.User{AdminRole: storage.RoleOwner})
			mine := &api{s, acme, s.userToken(acme, second, []string{"users:write"}, acme.URL("/api/v1"))}
			statuses := make([]int, 2)
			var wg sync.WaitGroup
			wg.Go(func() { statuses[0] = a.do("POST", "/users/"+second+":disable", nil).status })
			wg.Go(func() { statuses[1] = mine.do("POST", "/users/"+first+":disable", nil).status })
			wg.Wait()
			u, err := s.store.User(s.Context(), acme.ID, first)
			check(s, err)
			v, err := s.store.User(s.Context(), acme.ID, second)
			check(s, err)
			if u.Disabled && v.Disabled {
				s.Fatalf("got %v, and both owners disabled", statuses)
			}
			if !slices.Contains(statuses, http.StatusOK) {
				s.Errorf("got %v, want one to succeed", statuses)
			}
			if u.Disabled {
				return // the other one has won, and this token is void
			}
		}
	})
}

func TestPatchesAtOnceAllCount(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		id := a.do("POST", "/users", fields{"username": "jo"}).is(201).text("id")
		var wg sync.WaitGroup
		for _, name := range []string{"nickname", "given_name", "family_name"} {
			wg.Go(func() { a.do("PATCH", "/users/"+id, fields{"profile": fields{name: name}}).is(200) })
		}
		wg.Wait()
		got := a.do("GET", "/users/"+id, nil).is(200)
		for _, name := range []string{"nickname", "given_name", "family_name"} {
			if got.get("profile."+name) != name {
				s.Errorf("got %s, want what each patch has set", got.raw)
			}
		}
	})
}
