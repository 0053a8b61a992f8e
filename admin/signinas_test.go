package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestSignInAs(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		acme := s.tenant("acme")
		user := s.add(acme, storage.User{})
		call := func(a *api, id string, reason any) *reply {
			s.Helper()
			return a.do(http.MethodPost, "/users/"+id+":sign-in-as", fields{"reason": reason})
		}
		call(s.as("acme", "owner"), user, "request 4711").is(http.StatusConflict, "not_offered")

		of, err := s.store.Tenant(s.Context(), "acme")
		check(s, err)
		of.Settings.SignInAs.Enabled = true
		check(s, s.store.UpdateTenant(s.Context(), of))
		s.serve()
		for _, role := range []string{"owner", "admin", "support"} {
			got := call(s.as("acme", role), user, "request 4711").is(http.StatusOK)
			if link := got.text("link"); !strings.HasPrefix(link, acme.URL("/account/sign-in-as?ticket=")) {
				s.Errorf("%s: got %s", role, link)
			}
		}
		support := s.as("acme", "support")
		call(s.as("acme", "auditor"), user, "x").is(http.StatusForbidden, "insufficient_scope")
		call(s.service("acme", administration.Scopes...), user, "x").is(http.StatusConflict, "no_administrator")
		call(s.as("", "owner"), user, "x").is(http.StatusNotFound, "not_found")
		call(support, uuid.NewString(), "x").is(http.StatusNotFound, "not_found")
		for _, role := range administration.AdminRoles {
			call(support, s.add(acme, storage.User{AdminRole: role}), "x").is(http.StatusConflict, "is_administrator")
		}
		call(support, s.add(acme, storage.User{Disabled: true}), "x").is(http.StatusConflict, "disabled")
		for _, reason := range []string{"", "  ", "a\nb", strings.Repeat("x", acting.MaxReason+1), "a\u202eb"} {
			if got := call(support, user, reason); got.status != 400 && got.status != 422 {
				s.Errorf("the reason %.20q: got %d %s", reason, got.status, got.raw)
			}
		}
		// A link is shown once.
		first := support.do(http.MethodPost, "/users/"+user+":sign-in-as", fields{"reason": "x"}, "Idempotency-Key: one")
		first.is(http.StatusOK)
		again := support.do(http.MethodPost, "/users/"+user+":sign-in-as", fields{"reason": "x"}, "Idempotency-Key: one")
		if again.is(http.StatusOK); again.body["link"] != nil {
			s.Errorf("the link is shown twice: %s", again.raw)
		}
		s.actedTokenOpensNothing(support, user)
	})
}

// actedTokenOpensNothing: a token that an administrator got as a user does not open the management API, even where
// the user is, or becomes, an administrator.
func (s *server) actedTokenOpensNothing(support *api, user string) {
	s.Helper()
	t, now := support.tenant, time.Now()
	app := storage.Client{
		TenantID: t.ID, ClientID: "acted", FirstParty: true, TokenEndpointAuthMethod: "none",
		GrantTypes: []string{clients.FirstPartyGrant}, Scope: "openid " + strings.Join(administration.Scopes, " "),
		Audience: []string{t.URL(admin.Prefix)}, CreatedAt: now, UpdatedAt: now,
	}
	check(s, s.store.PutClient(s.Context(), app))
	owner := s.add(t, storage.User{AdminRole: "owner"})
	own := storage.Session{TenantID: t.ID, ID: uuid.Must(uuid.NewV7()).String(), UserID: owner, CredentialVersion: 1,
		AuthTime: now, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(time.Hour), SecretHash: []byte("own")}
	acted := own
	acted.ID, acted.UserID, acted.SecretHash = uuid.Must(uuid.NewV7()).String(), user, []byte("acted")
	acted.Act = &storage.Act{ActorID: owner, SessionID: own.ID, Role: "owner", Reason: "x"}
	for _, sess := range []storage.Session{own, acted} {
		check(s, s.store.Apply(s.Context(), storage.Change{TenantID: t.ID, UserID: sess.UserID, Now: now, AddSession: &sess}))
	}
	got, err := s.provider.Apps().Tokens(web.WithTenant(s.Context(), t), app, acted, app.Scope)
	check(s, err)
	if got.RefreshToken != "" {
		s.Error("got a refresh token in a session of an administrator")
	}
	(&api{s, t, got.AccessToken}).do(http.MethodGet, "/users/"+user, nil).is(http.StatusUnauthorized, "invalid_token")
}
