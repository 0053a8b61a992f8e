package admin_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
)

// inviting is the API with what invitations can give: the groups staff and readers, and roles of the client shop.
type inviting struct {
	*api
	invitations *invitations.Service
}

func (s *server) inviting() *inviting {
	s.Helper()
	a := s.as("acme", storage.RoleAdministrator)
	a.do("PATCH", "/tenant", fields{"attributes": []any{
		fields{"name": "floor", "type": "number", "required": true}, fields{"name": "badge", "unique": true},
	}}).is(200)
	s.serve()
	a.tenant = s.tenant("acme")
	a.do("PUT", "/clients/shop", fields{"grant_types": []string{"client_credentials"}}).is(201)
	for _, path := range []string{
		"/groups/staff", "/groups/readers", "/clients/shop/roles/editor", "/clients/shop/roles/clerk",
	} {
		a.do("PUT", path, fields{}).is(200)
	}
	return &inviting{a, &invitations.Service{Service: s.people}}
}

// everything is an invitation that gives all kinds of things.
func everything(email string) fields {
	return fields{
		"email": email, "groups": []string{"staff", "readers"}, "language": "de", "lifetime": "48h",
		"roles":      []any{fields{"client": "shop", "name": "editor"}, fields{"client": "shop", "name": "clerk"}},
		"attributes": fields{"badge": email, "floor": 3},
	}
}

// accept accepts the invitation of a link, as the page does.
func (in *inviting) accept(link string) (storage.User, error) {
	in.Helper()
	_, token, ok := strings.Cut(link, "invitation=")
	if !ok {
		in.Fatalf("%s is no link", link)
	}
	a := people.Asker{Tenant: in.tenant, RequestID: "r", IP: "192.0.2.7", Language: "en"}
	opened, err := in.invitations.Open(in.Context(), a, token)
	u, accepted := in.invitations.Accept(in.Context(), a, token, people.SignUp{Password: "a fine sentence of words"})
	if err != nil && !errors.Is(accepted, err) || accepted == nil && opened != u.Email {
		in.Errorf("opened %s, %v; accepted for %s, %v", opened, err, u.Email, accepted)
	}
	return u, accepted
}

// has fails the test unless the user has the groups, and the roles at shop, and left_out says what is missing.
func (in *inviting) has(u storage.User, err error, groups, roles, leftOut string) {
	in.Helper()
	if err != nil {
		in.Fatal(err)
	}
	b, err := in.store.Belonging(in.Context(), in.tenant.ID, u.ID)
	check(in, err)
	if got := strings.Join(b.Groups, " "); got != groups {
		in.Errorf("got the groups %q, want %q", got, groups)
	}
	if got := strings.Join(b.RolesAt("shop"), " "); got != roles {
		in.Errorf("got the roles %q, want %q", got, roles)
	}
	events, err := in.store.EventsOf(in.Context(), in.tenant.ID, u.ID, "", 100)
	check(in, err)
	made := slices.IndexFunc(events, func(e storage.Event) bool { return e.Kind == storage.EventUserAdded })
	if made < 0 || events[made].Detail["by"] != "invitation" || events[made].Detail["left_out"] != leftOut {
		in.Errorf("got the events %+v, want the account to lack %q", events, leftOut)
	}
	if want := len(b.Groups) + len(b.Roles) + 1; len(events) != want {
		in.Errorf("got %d events, want %d", len(events), want)
	}
}

// gone fails the test unless the error says that there is no such invitation any more.
func (in *inviting) gone(err error) {
	in.Helper()
	if !errors.Is(err, invitations.ErrGone) {
		in.Errorf("got %v, want that the invitation is gone", err)
	}
}

// invites invites, and returns the link.
func (in *inviting) invites(by *api, email string) string {
	in.Helper()
	return by.do("POST", "/invitations", everything(email)).is(201).text("link")
}

func TestAnInvitationGivesWhatItSays(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		in := s.inviting()
		made := in.do("POST", "/invitations", everything("jo@example.com")).is(201)
		link, id := made.text("link"), made.text("id")
		if left := time.Until(mustTime(s, made.text("status.expires_at"))); left < 47*time.Hour || left > 48*time.Hour {
			s.Errorf("got %s, want two days", left)
		}
		read := in.do("GET", "/invitations/"+id, nil).is(200)
		if read.get("link") != nil || read.text("email") != "jo@example.com" || read.text("language") != "de" ||
			read.get("attributes.floor") != 3.0 || len(read.body["roles"].([]any)) != 2 || read.text("status.invited_by") == "" {
			s.Errorf("got %s, want all but the link", read.raw)
		}
		code, err := s.store.Code(s.Context(), "acme", id, time.Now())
		check(s, err)
		if token := link[strings.LastIndex(link, ".")+1:]; strings.Contains(string(code.Data), token) ||
			strings.Contains(string(code.LinkHash), token) || strings.Contains(string(code.Data), "staff") {
			s.Error("the token, or what the invitation gives, is stored in clear")
		}
		u, err := in.accept(link)
		in.has(u, err, "readers staff", "clerk editor", "")
		if !u.EmailVerified || u.Attributes["floor"] != 3.0 || u.Attributes["badge"] != "jo@example.com" {
			s.Errorf("got %+v", u)
		}
		other, err := s.store.UserByUnique(s.Context(), "acme", "badge", "jo@example.com")
		if err != nil || other.ID != u.ID {
			s.Errorf("got %v, %v, want the unique value kept", other.ID, err)
		}
		_, err = in.accept(link)
		in.gone(err)
		in.do("GET", "/invitations/"+id, nil).is(404)
		in.do("POST", "/invitations/"+id+":resend", nil).is(404)
		in.do("POST", "/invitations", everything("jo@example.com")).is(409, "exists")
	})
}

func mustTime(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	check(t, err)
	return at
}

// TestWhatIsGoneIsLeftOutOfAnInvitation: groups and roles that were removed, also if there are new ones of the same
// name, attributes that are declared no more or otherwise, and a unique value that another user has.
func TestWhatIsGoneIsLeftOutOfAnInvitation(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		in := s.inviting()
		link := in.invites(in.api, "jo@example.com")
		for _, path := range []string{"/groups/staff", "/groups/readers", "/clients/shop/roles/editor"} {
			in.do("DELETE", path, nil).is(204)
		}
		in.do("PUT", "/groups/staff", fields{}).is(200)
		in.do("PUT", "/clients/shop/roles/editor", fields{}).is(200)
		taken := fields{"badge": "jo@example.com", "floor": 1}
		in.do("POST", "/users", fields{"username": "kim", "attributes": taken}).is(201)
		u, err := in.accept(link)
		in.has(u, err, "", "clerk", "group:readers group:staff role:shop#editor attribute:badge")
		in.do("PUT", "/groups/readers", fields{}).is(200)
		last := in.invites(in.api, "mo@example.com")
		in.do("DELETE", "/groups/readers", nil).is(204)
		in.do("PATCH", "/tenant", fields{"attributes": []any{fields{"name": "floor", "type": "date"}}}).is(200)
		s.serve()
		in.tenant = s.tenant("acme")
		in.do("DELETE", "/clients/shop", nil).is(204)
		u, err = in.accept(last)
		in.has(u, err, "staff", "", "group:readers role:shop#clerk role:shop#editor attribute:badge attribute:floor")
		if len(u.Attributes) > 0 {
			s.Errorf("got %v", u.Attributes)
		}
	})
}

// TestAnInvitationIsAcceptedOnce also if two browsers do so at the same time.
func TestAnInvitationIsAcceptedOnce(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		in := s.inviting()
		link := in.invites(in.api, "jo@example.com")
		_, token, _ := strings.Cut(link, "invitation=")
		a := people.Asker{Tenant: in.tenant, IP: "192.0.2.7", Language: "en"}
		results := make([]error, 4)
		var all sync.WaitGroup
		for i := range results {
			all.Go(func() {
				_, results[i] = in.invitations.Accept(s.Context(), a, token, people.SignUp{Password: "a fine sentence of words"})
			})
		}
		all.Wait()
		made := 0
		for _, err := range results {
			switch {
			case err == nil:
				made++
			case !errors.Is(err, invitations.ErrGone) && !errors.Is(err, people.ErrAccountExists):
				s.Errorf("got %v", err)
			}
		}
		if members := in.do("GET", "/groups/staff/members", nil).items(); made != 1 || len(members) != 1 {
			s.Errorf("%d accounts were made, with %v in the group", made, members)
		}
	})
}

// TestAnInvitationIsSentAgainAndWithdrawn: the former link does nothing, and the id stays.
func TestAnInvitationIsSentAgainAndWithdrawn(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		in := s.inviting()
		other := s.as("", storage.RoleOwner)
		var ids, links []string
		for _, email := range []string{"ann@example.com", "bob@example.com", "cleo@example.com"} {
			made := in.do("POST", "/invitations", everything(email)).is(201)
			ids, links = append(ids, made.text("id")), append(links, made.text("link"))
		}
		page := in.do("GET", "/invitations?limit=2", nil).is(200)
		rest := in.do("GET", "/invitations?limit=2&after="+page.text("next"), nil).is(200)
		if len(page.items()) != 2 || len(rest.items()) != 1 || rest.items()[0]["id"] != ids[2] ||
			strings.Contains(page.raw, "link") {
			s.Errorf("got %s and %s", page.raw, rest.raw)
		}
		if found := in.do("GET", "/invitations?email=BOB@example.com", nil).is(200).items(); len(found) != 1 ||
			found[0]["id"] != ids[1] {
			s.Errorf("got %v, want Bob's", found)
		}
		for _, query := range []string{"email=none@example.com", "email=nonsense"} {
			if found := in.do("GET", "/invitations?"+query, nil).is(200).items(); len(found) != 0 {
				s.Errorf("%s: got %v", query, found)
			}
		}
		at := "/invitations/" + ids[0]
		for _, refused := range []*reply{
			other.do("GET", at, nil), other.do("POST", at+":resend", nil), other.do("DELETE", at, nil),
		} {
			refused.is(404)
		}
		if all := other.do("GET", "/invitations", nil).items(); len(all) != 0 {
			s.Errorf("another tenant's: %v", all)
		}
		for range 6 { // guesses at a link cost the invitation nothing
			_, err := in.accept(links[0] + "x")
			in.gone(err)
		}
		was := mustTime(s, in.do("GET", at, nil).is(200).text("status.expires_at"))
		again := in.do("POST", at+":resend", nil).is(200)
		if now := mustTime(s, again.text("status.expires_at")); !now.After(was) {
			s.Errorf("it can be accepted until %s, as before", now)
		}
		if again.text("id") != ids[0] || again.text("link") == links[0] || again.text("language") != "de" {
			s.Errorf("got %s", again.raw)
		}
		_, err := in.accept(links[0])
		in.gone(err)
		u, err := in.accept(again.text("link"))
		in.has(u, err, "readers staff", "clerk editor", "")
		in.do("DELETE", "/invitations/"+ids[1], nil).is(204)
		in.do("DELETE", "/invitations/"+ids[1], nil).is(404)
		_, err = in.accept(links[1])
		in.gone(err)
		replaced := in.invites(in.api, "cleo@example.com")
		_, err = in.accept(links[2])
		in.gone(err)
		in.do("GET", "/invitations/"+ids[2], nil).is(404)
		_, err = in.accept(replaced)
		check(s, err)
		waiting, err := s.store.ClaimDeliveries(s.Context(), time.Now().Add(time.Minute), time.Now().Add(time.Hour), 10)
		check(s, err)
		if len(waiting) != 5 {
			s.Errorf("got %d mails, want one for each time that an invitation was sent", len(waiting))
		}
	})
}

// TestAnAddressThatSignedUpOtherwise: the account is what its user made, and the invitation does nothing.
func TestAnAddressThatSignedUpOtherwise(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		in := s.inviting()
		made := in.do("POST", "/invitations", everything("jo@example.com")).is(201)
		id := s.add(in.tenant, storage.User{Email: "jo@example.com", EmailKey: "jo@example.com", EmailVerified: true})
		if _, err := in.accept(made.text("link")); !errors.Is(err, people.ErrAccountExists) {
			s.Errorf("got %v, want that there is an account", err)
		}
		b, err := s.store.Belonging(s.Context(), "acme", id)
		check(s, err)
		if len(b.Groups)+len(b.Roles) > 0 {
			s.Errorf("the account was given %+v", b)
		}
		in.do("POST", "/invitations/"+made.text("id")+":resend", nil).is(409, "exists")
		in.do("POST", "/invitations", everything("jo@example.com")).is(409, "exists")
		waiting, err := s.store.ClaimDeliveries(s.Context(), time.Now().Add(time.Minute), time.Now().Add(time.Hour), 10)
		check(s, err)
		if len(waiting) != 1 {
			s.Errorf("got %d mails: what is refused sends none", len(waiting))
		}
		in.do("DELETE", "/invitations/"+made.text("id"), nil).is(204)
	})
}

// TestAnInvitationIsWorthWhatItsInviterMayDo on the day when it is accepted.
func TestAnInvitationIsWorthWhatItsInviterMayDo(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		in := s.inviting()
		owner := s.as("acme", storage.RoleOwner)
		const nothing = "group:readers group:staff role:shop#clerk role:shop#editor"
		byUser := func() (*api, string) {
			id := s.add(in.tenant, storage.User{AdminRole: storage.RoleAdministrator})
			return &api{s, in.tenant, s.userToken(in.tenant, id, []string{"users:write", "groups:write"},
				in.tenant.URL("/api/v1"))}, id
		}
		inviter, id := byUser()
		one, two, three := in.invites(inviter, "a@example.com"), in.invites(inviter, "b@example.com"),
			in.do("POST", "/invitations/"+inviter.do("POST", "/invitations", everything("c@example.com")).is(201).text("id")+
				":resend", nil).is(200).text("link")
		owner.do("PUT", "/administrators/"+id, fields{"role": "support"}).is(200)
		u, err := in.accept(one)
		in.has(u, err, "", "", nothing)
		owner.do("DELETE", "/administrators/"+id, nil).is(204)
		_, err = in.accept(two)
		in.gone(err)
		u, err = in.accept(three) // another administrator sent it again, and is the inviter now
		in.has(u, err, "readers staff", "clerk editor", "")
		for what, lose := range map[string]func(id string){
			"disabled": func(id string) { owner.do("POST", "/users/"+id+":disable", nil).is(200) },
			"removed":  func(id string) { owner.do("DELETE", "/users/"+id, nil).is(204) },
		} {
			inviter, id := byUser()
			link := in.invites(inviter, what+"@example.com")
			lose(id)
			_, err := in.accept(link)
			in.gone(err)
		}
		service := s.service("acme", "users:write", "groups:write")
		one, two = in.invites(service, "x@example.com"), in.invites(service, "y@example.com")
		var client string
		for _, i := range in.do("GET", "/invitations", nil).items() {
			client, _ = i["status"].(map[string]any)["invited_by"].(string)
		}
		owner.do("PATCH", "/clients/"+client, fields{"scope": "users:write"}).is(200)
		u, err = in.accept(one)
		in.has(u, err, "", "", nothing)
		owner.do("DELETE", "/clients/"+client, nil).is(204)
		_, err = in.accept(two)
		in.gone(err)
	})
}

// TestInvitersMayGiveTheRoles: groups and roles take the scope that gives them to users, and nothing wrong is sent.
func TestInvitersMayGiveTheRoles(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		in := s.inviting()
		support := s.as("acme", storage.RoleSupport)
		for _, what := range []fields{
			{"groups": []string{"staff"}}, {"roles": []any{fields{"client": "shop", "name": "editor"}}},
		} {
			what["email"] = "jo@example.com"
			got := support.do("POST", "/invitations", what).is(403, "insufficient_scope")
			if got.text("scope") != "groups:write" {
				s.Errorf("got %s", got.raw)
			}
		}
		simple := fields{"email": "jo@example.com", "attributes": fields{"floor": 2}}
		plain := support.do("POST", "/invitations", simple).is(201)
		support.do("POST", "/invitations/"+plain.text("id")+":resend", nil).is(200)
		full := in.do("POST", "/invitations", everything("mo@example.com")).is(201)
		support.do("POST", "/invitations/"+full.text("id")+":resend", nil).is(403, "insufficient_scope")
		support.do("DELETE", "/invitations/"+full.text("id"), nil).is(204)
		s.as("acme", storage.RoleAuditor).do("POST", "/invitations", fields{"email": "jo@example.com"}).is(403)
		in.do("POST", "/invitations", fields{
			"email": "nonsense", "groups": []string{"staff", "none"},
			"roles":      []any{fields{"api": "https://none.example", "name": "x"}},
			"attributes": fields{"floor": "three", "odd": 1}, "lifetime": "800h",
		}).is(422).has("/email", "invalid").has("/groups", "invalid").has("/roles", "invalid").has("/lifetime", "invalid").
			has("/attributes/floor", "invalid").has("/attributes/odd", "invalid")
		for _, r := range []fields{{"name": "x"}, {"client": "shop", "api": "https://api.example", "name": "x"}} {
			in.do("POST", "/invitations", fields{"email": "jo@example.com", "roles": []any{r}}).is(422).has("/roles", "invalid")
		}
		in.do("POST", "/invitations", fields{"email": "jo@example.com", "language": "xx"}).is(400).has("/language", "invalid")
		in.do("PATCH", "/tenant", fields{"sign_up": fields{"mode": "closed"}}).is(200)
		s.serve()
		in.do("POST", "/invitations", fields{"email": "ed@example.com"}).is(409, "sign_up_closed")
		in.do("POST", "/invitations/"+plain.text("id")+":resend", nil).is(409, "sign_up_closed")
		in.do("GET", "/invitations/"+uuid.NewString(), nil).is(404)
	})
}
