package admin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// furnish gives a user one of everything that an administrator can take away.
func (s *server) furnish(tenant string) string { return s.furnishAs(tenant, "g/1 2") }

// furnishAs is furnish for a user who has the subject at an upstream provider.
func (s *server) furnishAs(tenant, subject string) string {
	s.Helper()
	t, now := s.tenant(tenant), time.Now()
	mail := uuid.NewString()[:8] + "@example.com"
	id := s.add(t, storage.User{Email: mail, EmailKey: mail, EmailVerified: true})
	check(s, s.store.PutClient(s.Context(), storage.Client{TenantID: t.ID, ClientID: "shop", ClientName: "Shop"}))
	consent := storage.Consent{TenantID: t.ID, UserID: id, ClientID: "shop", Scopes: []string{"openid"}, GrantedAt: now}
	credential := func(kind, id string) storage.Credential {
		return storage.Credential{Kind: kind, ID: id, Data: []byte("x"), CreatedAt: now, UpdatedAt: now}
	}
	sess := storage.Session{TenantID: t.ID, ID: "s-" + id, UserID: id, CredentialVersion: 1, AuthTime: now, CreatedAt: now,
		SeenAt: now, ExpiresAt: now.Add(time.Hour), SecretHash: []byte(id), UserAgent: "a browser"}
	for _, ch := range []storage.Change{
		{Consent: &consent}, {AddSession: &sess},
		{Credentials: []storage.Credential{
			credential(storage.PasskeyCredential, "key"), credential(storage.PasswordCredential, ""),
		}},
		{Link: []storage.Identity{{Provider: "google", Subject: subject, Email: mail, CreatedAt: now}}},
	} {
		ch.TenantID, ch.UserID, ch.Now = t.ID, id, now
		check(s, s.store.Apply(s.Context(), ch))
	}
	_, err := s.store.RedeemCode(s.Context(), storage.Grant{
		TenantID: t.ID, ID: "g-" + id, CodeID: "c-" + id, UserID: id, ClientID: "shop", SessionID: sess.ID,
		CredentialVersion: 1, Scopes: []string{"openid"}, AuthTime: now, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}, nil)
	check(s, err)
	return id
}

func TestWhatAUserHasIsListedAndTakenAway(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a, other := s.as("acme", storage.RoleSupport), s.as("", storage.RoleOwner)
		id := s.furnish("acme")
		at := "/users/" + id
		for path, want := range map[string]string{
			"/sessions": `"id":"s-` + id, "/grants": `"id":"g-` + id, "/apps": `"client_id":"shop"`, "/passkeys": `"id":"key"`,
			"/identities": `"subject":"g/1 2"`, "/factors": `"password":true`,
		} {
			if got := a.do("GET", at+path, nil).is(200); !strings.Contains(got.raw, want) {
				s.Errorf("%s: got %s, want %s", path, got.raw, want)
			}
			other.do("GET", at+path, nil).is(404)
		}
		for _, path := range []string{"/grants/g-" + id, "/sessions/s-" + id, "/apps/shop", "/passkeys/key",
			"/identities/google/g%2F1%202"} {
			other.do("DELETE", at+path, nil).is(404)
			a.do("DELETE", at+path, nil).is(204)
			a.do("DELETE", at+path, nil).is(404)
		}
		for _, path := range []string{"/sessions", "/grants", "/apps", "/passkeys", "/identities"} {
			if got := a.do("GET", at+path, nil).is(200); len(got.items()) != 0 {
				s.Errorf("%s: got %s, want nothing left", path, got.raw)
			}
		}
		again := "/users/" + s.furnish("acme")
		a.do("DELETE", again+"/sessions", nil).is(204)
		a.do("DELETE", again+"/factors", nil).is(204)
		if got := a.do("GET", again+"/factors", nil); got.get("passkeys") != 0.0 || got.get("password") != true {
			s.Errorf("got %s, want the password alone", got.raw)
		}
		a.do("PUT", again+"/password", fields{"password": "short"}).is(422).has("/password", "invalid")
		a.do("PUT", again+"/password", fields{"password": "a fine sentence of words"}).is(204)
	})
}

func TestUsersAreSentLetters(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleSupport)
		id := s.furnish("acme")
		got := a.do("POST", "/users/"+id+":send-reset", nil).is(204)
		if got.raw != "" {
			s.Errorf("got %s, want nothing of the code", got.raw)
		}
		nameless := s.add(a.tenant, storage.User{Username: "n", UsernameKey: "n"})
		a.do("POST", "/users/"+nameless+":send-reset", nil).is(409, "no_address")
		made := a.do("POST", "/invitations", fields{"email": "new@example.com"}).is(201)
		if !strings.HasPrefix(made.text("link"), a.tenant.URL("/signup?invitation=")) {
			s.Errorf("got %s, want a link", made.raw)
		}
		a.do("POST", "/invitations", fields{"email": "nonsense"}).is(422).has("/email", "invalid")
		u, err := s.store.User(s.Context(), "acme", id)
		check(s, err)
		a.do("POST", "/invitations", fields{"email": u.Email}).is(409, "exists")
		waiting, err := s.store.ClaimDeliveries(s.Context(), time.Now().Add(time.Minute), time.Now().Add(time.Hour), 10)
		check(s, err)
		if len(waiting) != 2 {
			s.Errorf("got %d messages, want the reset and the invitation", len(waiting))
		}
	})
}

func TestOwnersMakeAdministrators(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleOwner)
		id := s.add(a.tenant, storage.User{Username: "kim", UsernameKey: "kim"})
		token := &api{s, a.tenant, s.userToken(a.tenant, id, []string{"users:read"}, a.tenant.URL("/api/v1"))}
		token.do("GET", "/users", nil).is(403)
		if got := a.do("PUT", "/administrators/"+id, fields{"role": "auditor"}).is(200); got.text("username") != "kim" {
			s.Errorf("got %s, want the administrator", got.raw)
		}
		token.do("GET", "/users", nil).is(200)
		a.do("PUT", "/administrators/"+id, fields{"role": "root"}).is(400).has("/role", "invalid")
		a.do("PUT", "/administrators/"+uuid.NewString(), fields{"role": "owner"}).is(404)
		if all := a.do("GET", "/administrators", nil).items(); len(all) != 2 {
			s.Errorf("got %v, want two administrators", all)
		}
		s.as("acme", storage.RoleAdministrator).do("PUT", "/administrators/"+id, fields{"role": "owner"}).
			is(403, "insufficient_scope")
		s.as("", storage.RoleOwner).do("PUT", "/administrators/"+id, fields{"role": "owner"}).is(404)
		a.do("DELETE", "/administrators/"+id, nil).is(204)
		a.do("DELETE", "/administrators/"+id, nil).is(404)
		token.do("GET", "/users", nil).is(403)
		owners := a.do("GET", "/administrators", nil).items()
		for _, o := range owners {
			if o["role"] == "owner" {
				a.do("DELETE", "/administrators/"+o["id"].(string), nil).is(409, "last_owner")
				a.do("PUT", "/administrators/"+o["id"].(string), fields{"role": "admin"}).is(409, "last_owner")
			}
		}
	})
}

// promoting is a store in which the user becomes an owner after the first reading of the record.
type promoting struct {
	administration.Store
	user string
	once bool
}

func (p *promoting) User(ctx context.Context, tenant, id string) (storage.User, error) {
	u, err := p.Store.User(ctx, tenant, id)
	if owner := storage.RoleOwner; err == nil && id == p.user && !p.once {
		p.once = true
		err = p.Apply(ctx, storage.Change{TenantID: tenant, UserID: id, Now: time.Now(), SetAdmin: &owner})
	}
	return u, err
}

// TestRoleGivenMeanwhile has a user made an owner between the check that a supporter may change them and the change.
func TestRoleGivenMeanwhile(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		supporter := s.as("acme", storage.RoleSupport)
		groups := s.service("acme", "groups:write")
		groups.do("PUT", "/groups/staff", fields{}).is(200)
		check(s, s.store.PutClient(s.Context(), storage.Client{TenantID: "acme", ClientID: "wiki", ClientName: "Wiki"}))
		groups.do("PUT", "/clients/wiki/roles/editor", fields{}).is(200)
		for _, call := range []struct {
			method, path string
			body         any
		}{
			{"POST", ":send-reset", nil}, {"PUT", "/clients/wiki/roles/editor/users/", nil},
			{"DELETE", "/clients/wiki/roles/editor/users/", nil}, {"PUT", "/groups/staff/members/", nil},
			{"DELETE", "/groups/staff/members/", nil},
			{"PUT", "/password", fields{"password": "a fine sentence of words"}}, {"DELETE", "/factors", nil},
			{"DELETE", "/sessions", nil}, {"DELETE", "/passkeys/key", nil}, {"DELETE", "", nil}, {"POST", ":disable", nil},
			{"POST", ":expire-password", nil}, {"PATCH", "", fields{"email": "thief@example.com"}},
		} {
			id, a := s.furnishAs("acme", uuid.NewString()), supporter
			path := "/users/" + id + call.path
			if strings.HasSuffix(call.path, "/") { // a path that ends with the user
				a, path = groups, call.path+id
				if call.method == "DELETE" {
					a.do("PUT", path, nil).is(204)
				}
			}
			s.accounts.Store = &promoting{Store: s.store, user: id}
			got := a.do(call.method, path, call.body)
			s.accounts.Store = s.store
			if got.status != 409 && got.status != 403 {
				s.Errorf("%s %s: got %d %s, want a refusal", call.method, path, got.status, got.raw)
			}
		}
	})
}
