package admin_test

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// all returns the member of all entries of a list, in order, read two at a time.
func (a *api) all(path, member string) (found []string) {
	a.Helper()
	for next, pages := "", 0; ; pages++ {
		r := a.do("GET", path+"&limit=2"+next, nil).is(200)
		for _, one := range r.items() {
			found = append(found, one[member].(string))
		}
		cursor, more := r.body["next"].(string)
		if !more {
			slices.Sort(found)
			return found
		}
		if next = "&after=" + cursor; pages > 9 {
			a.Fatalf("%s does not end", path)
		}
	}
}

func TestListsAreFiltered(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		for _, u := range []fields{
			{"username": "ada", "email": "Ada@Example.com", "email_verified": true, "external_id": "X-1",
				"profile": fields{"name": "Ada King Lovelace", "locale": "de-AT"}, "roles": []string{"editor", "admin"}},
			{"username": "adam", "email": "adam@example.com", "profile": fields{"given_name": "Ádám", "family_name": "Łuczak"},
				"disabled": true},
			{"username": "bob", "phone_number": "+4312345678", "phone_number_verified": true, "external_id": "x-1"},
			{"username": "eve", "profile": fields{"name": `" or id pr or id eq "`}},
		} {
			a.do("POST", "/users", u).is(201)
		}
		s.as("", storage.RoleAdministrator).do("POST", "/users", fields{"username": "adam", "email": "ada@example.com"}).
			is(201)
		const own = ` and username pr and not (username sw "robot-")` // without those who call
		for text, want := range map[string]string{
			`email eq "ADA@example.COM"`:                               "ada",
			`email sw "ada"`:                                           "ada adam",
			`email ew "example.com" and email_verified eq false`:       "adam",
			`email gt "ada@example.com"`:                               "adam",
			`external_id eq "x-1"`:                                     "bob",
			`username sw "AD" and disabled eq false`:                   "ada",
			`profile.name sw "king l"`:                                 "", // not the beginning of the name, but of a word
			`profile.name sw "ada k"`:                                  "ada",
			`profile.given_name eq "adam"`:                             "adam",
			`profile.family_name sw "łu"`:                              "adam",
			`profile.name co "velace"`:                                 "ada",
			`profile.locale sw "DE"`:                                   "ada",
			`roles eq "admin"`:                                         "ada",
			`phone_number eq "+4312345678"`:                            "bob",
			`username eq "ada" or username eq "bob" or email sw "ada"`: "ada adam bob",
			`username eq "ada" or disabled eq true`:                    "ada adam",
			`(username eq "ada" or username eq "eve") and email pr`:    "ada",
			`status.created_at gt "2020-01-01T00:00:00Z" and email pr`: "ada adam",
			`status.created_at lt "2020-01-01T00:00:00Z"`:              "",
			`status.second_factor eq true`:                             "",
			`not (status.last_sign_in pr) and email pr`:                "ada adam",
			`profile.name eq "\" or id pr or id eq \""`:                "eve", // it is a value, whatever it holds
			`id gt "z" or id lt "0"`:                                   "",
			`username ge "ada" and username lt "bob"`:                  "ada adam",
		} {
			got := a.all("/users?filter="+url.QueryEscape("("+text+")"+own), "username")
			if strings.Join(got, " ") != want {
				s.Errorf("%s: got %v, want %s", text, got, want)
			}
		}
		for query, want := range map[string]string{
			"q=love": "ada", "q=king+l": "ada", "q=LUCZAK": "", "q=Łuczak+adam": "adam", "q=AD": "ada adam", "q=%2B43+1": "bob",
			"q=X-1": "ada", "q=ada&filter=disabled+eq+true": "adam", "q=zz": "",
		} {
			if got := a.all("/users?"+query, "username"); strings.Join(got, " ") != want {
				s.Errorf("%s: got %v, want %s", query, got, want)
			}
		}
		for text, at := range map[string]string{
			`nmae eq "x"`: "Character 1 of the filter", `disabled gt true`: "Character 10", `email eq "x`: "Character 10",
			`attributes.nothing pr`: "Character 1", `emails[type eq "work"]`: "Character 1",
		} {
			if r := a.do("GET", "/users?filter="+url.QueryEscape(text), nil).is(400).has("filter", "invalid"); !strings.
				Contains(r.raw, at) {
				s.Errorf("%s: got %s, want the place", text, r.raw)
			}
		}
		a.do("GET", "/users?filter=id+pr&email=a", nil).is(400).has("filter", "invalid")
		a.do("GET", "/users?filter="+strings.Repeat("x", 3000), nil).is(400).has("filter", "too_long")

		for _, id := range []string{"staff", "staff-it", "sales", "a"} {
			a.do("PUT", "/groups/"+id, fields{"title": "Group " + id}).is(200)
		}
		a.do("PUT", "/clients/wiki", fields{"client_name": "Wiki",
			"redirect_uris": []string{"https://wiki.example.com/"}}).is(201)
		a.do("PUT", "/clients/wiki/roles/editor", fields{"title": "Edits"}).is(200)
		a.do("PUT", "/clients/wiki/roles/reader", fields{"title": "Reads"}).is(200)
		for _, c := range []struct{ path, member, text, want string }{
			{"/groups", "id", `id sw "sta"`, "staff staff-it"}, {"/groups", "id", `id eq "staff"`, "staff"},
			{"/groups", "id", `title ew "ES"`, "sales"}, {"/groups", "id", `id gt "sales" and id lt "staff-it"`, "staff"},
			{"/groups", "id", `id ge "sales" and id le "staff"`, "sales staff"}, {"/groups", "id", `not (id pr)`, ""},
			{"/clients", "client_id", `client_name eq "wiki" and disabled eq false`, "wiki"},
			{"/clients", "client_id", `redirect_uris co "wiki.example" and client_id sw "wi"`, "wiki"},
			{"/clients/wiki/roles", "name", `title sw "read"`, "reader"},
		} {
			got := a.all(c.path+"?filter="+url.QueryEscape(c.text), c.member)
			if strings.Join(got, " ") != c.want {
				s.Errorf("%s %s: got %v, want %s", c.path, c.text, got, c.want)
			}
		}
		a.do("GET", "/groups?filter=email+pr", nil).is(400).has("filter", "invalid")

		soon := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
		for text, n := range map[string]int{
			`kind eq "group.added"`:                          4,
			`kind sw "group." and at lt "` + soon + `"`:      4,
			`kind eq "group.added" and at gt "` + soon + `"`: 0,
			`user_id eq "nobody"`:                            0,
			`kind eq "user.added" and not (user_id pr)`:      0,
		} {
			if got := a.all("/audit?filter="+url.QueryEscape(text), "kind"); len(got) != n {
				s.Errorf("%s: got %v, want %d events", text, got, n)
			}
		}
	})
}

// TestPagesTakeTheSameNumberOfStatements compares lists of few users with lists of many: a statement for each user
// would make the pages slow.
func TestPagesTakeTheSameNumberOfStatements(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite::memory:")
	a, acme, seen := s.as("acme", storage.RoleAuditor), s.tenant("acme"), map[string]int64{}
	for _, n := range []int{3, 30} {
		for i := range n {
			name := fmt.Sprintf("robin%d-%d", n, i)
			s.add(acme, storage.User{Email: name + "@example.com", EmailKey: name + "@example.com", ExternalID: name,
				Profile: storage.Profile{Name: "Robin"}})
		}
		for _, query := range []string{"limit=200", "limit=200&q=robin", "limit=200&filter=email+sw+%22robin%22",
			"limit=200&filter=status.second_factor+eq+false"} {
			took := int64(99)
			for range 3 { // a request may have to fill caches
				before := s.store.Statements()
				if got := len(a.do("GET", "/users?"+query, nil).is(200).items()); got < n {
					t.Errorf("%s: got %d users, want %d at least", query, got, n)
				}
				took = min(took, s.store.Statements()-before)
			}
			if seen[query] != 0 && took != seen[query] {
				t.Errorf("%s: got %d statements for many users, want %d as for few", query, took, seen[query])
			}
			seen[query] = took
		}
	}
}

func TestAttributesAreFiltered(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleOwner)
		a.do("PATCH", "/tenant", fields{"attributes": []fields{{"name": "level", "type": "number"},
			{"name": "tags", "type": "list"}, {"name": "hired", "type": "date"}}}).is(200)
		s.serve()
		a.do("POST", "/users", fields{"username": "ada", "attributes": fields{"level": 3, "tags": []string{"x", "y"},
			"hired": "2020-02-03"}}).is(201)
		a.do("POST", "/users", fields{"username": "bob", "attributes": fields{"level": 10}}).is(201)
		for text, want := range map[string]string{
			`attributes.level gt 3`: "bob", `attributes.tags eq "Y"`: "ada", `attributes.hired lt "2021-01-01"`: "ada",
			`attributes.level pr and not (attributes.tags pr)`: "bob",
		} {
			if got := a.all("/users?filter="+url.QueryEscape(text), "username"); strings.Join(got, " ") != want {
				s.Errorf("%s: got %v, want %s", text, got, want)
			}
		}
		a.do("GET", "/users?filter="+url.QueryEscape(`attributes.level gt "3"`), nil).is(400).has("filter", "invalid")

		// A user with an empty text in a list is shown as the user is.
		id := a.do("POST", "/users", fields{"username": "kim", "attributes": fields{"tags": []string{"a", "", "b"}}}).
			is(201).text("id")
		kim := a.do("GET", "/users/"+id, nil).is(200)
		for _, text := range []string{`attributes.tags pr`, `attributes.tags eq "b"`} {
			found := a.do("GET", "/users?filter="+url.QueryEscape(text+` and username eq "kim"`), nil).is(200).items()
			if len(found) != 1 || !reflect.DeepEqual(found[0], kim.body) {
				s.Errorf("%s: got %v, want %v", text, found, kim.body)
			}
			if got := a.do("GET", "/users/"+id, nil).is(200).header.Get("ETag"); got != kim.header.Get("ETag") {
				s.Errorf("%s: the ETag has become %s", text, got)
			}
		}
	})
}
