package provider

import (
	"net/http"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// member has the user join the group staff, or leave it.
func (s *tokenServer) member(is bool) {
	s.Helper()
	ctx := s.Context()
	if _, err := s.groups().Group(ctx, s.tenant.ID, "staff"); err != nil {
		if err := s.groups().AddGroup(ctx, storage.Group{TenantID: s.tenant.ID, ID: "staff"}); err != nil {
			s.Fatal(err)
		}
	}
	ch := storage.Change{TenantID: s.tenant.ID, UserID: s.user.ID, Now: s.user.UpdatedAt}
	if is {
		ch.Join = []storage.Membership{{GroupID: "staff"}}
	} else {
		ch.Leave = []storage.Membership{{GroupID: "staff", Upstream: storage.AllIDs}}
	}
	if err := s.store.Apply(ctx, ch); err != nil {
		s.Fatal(err)
	}
}

func (s *tokenServer) groups() storage.Groups { return s.store.(storage.Groups) }

func onlyStaff(c *storage.Client) { c.Allow.Groups = []string{"staff"} }

// TestOnlySomeUsersMayUseAClient leads others to the page that says so; prompt=none gets access_denied.
func TestOnlySomeUsersMayUseAClient(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	onlyStaff(a.client)
	a.put(a.client)
	if page, _ := a.asks("prompt", "none"); page != "" {
		t.Fatalf("got the page %q", page)
	}
	if page, _ := a.asks(); page != "/login" {
		t.Errorf("not signed in: got %q", page)
	}
	a.signsIn(a.user)
	if page, _ := a.asks(); page != "/no-access" {
		t.Errorf("in no group: got %q", page)
	}
	if _, params := a.asks("prompt", "none"); params.Get("error") != "access_denied" {
		t.Errorf("prompt=none: got %v", params)
	}
	if page, _ := a.asks("prompt", "consent"); page != "/no-access" {
		t.Errorf("prompt=consent: got %q, want no question of what the client may have", page)
	}
	a.member(true)
	if _, params := a.asks("prompt", "none"); params.Get("code") == "" {
		t.Errorf("in the group: got %v", params)
	}
	a.client.Allow = storage.ClientAllow{EmailDomains: []string{"example.org"}}
	a.put(a.client)
	if page, _ := a.asks(); page != "/no-access" {
		t.Errorf("of another domain: got %q", page)
	}
}

// TestLeavingAGroupEndsAccess within the life of an access token: no code and no refresh token gives another one.
func TestLeavingAGroupEndsAccess(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	s.member(true)
	c := s.client(onlyStaff)
	first := s.tokens(c)
	second := s.refresh(c, first.str("refresh_token"))
	if second.status != http.StatusOK {
		t.Fatal(second.raw)
	}
	code := s.code(c)
	s.member(false)
	s.fails(s.redeem(c, code), http.StatusBadRequest, "invalid_grant")
	s.fails(s.refresh(c, second.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
	if s.lives(second) {
		t.Error("the grant lives")
	}
	if n := s.events(storage.EventAccessRefused); n != 2 {
		t.Errorf("got %d events, want one for each refusal", n)
	}
	s.member(true)
	s.fails(s.refresh(c, second.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
	// The predecessor of a token is checked as well.
	third := s.tokens(c)
	s.refresh(c, third.str("refresh_token"))
	s.member(false)
	s.fails(s.refresh(c, third.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
}

// TestAnUnverifiedAddressOpensNothing: the user changed to an address of the domain and has not confirmed it.
func TestAnUnverifiedAddressOpensNothing(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) { c.Allow.EmailDomains = []string{"example.com"} })
	tokens := s.tokens(c)
	u := s.user
	u.EmailVerified = false
	if err := storagetest.UpdateUser(s.Context(), s.store, u); err != nil {
		t.Fatal(err)
	}
	s.fails(s.refresh(c, tokens.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
}

// TestAppsLearnThatAUserMayNotUseThem by the code of the JSON API, and at the authorization challenge endpoint.
func TestAppsLearnThatAUserMayNotUseThem(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	s.member(false)
	c := s.app(onlyStaff)
	ctx := s.inTenant().Context()
	if _, err := s.p.Apps().Tokens(ctx, *c, s.session, "openid"); problemCode(err) != "access_denied" {
		t.Errorf("tokens: got %v", err)
	}
	if _, err := s.p.Apps().Code(ctx, *c, appAsks(), s.session); problemCode(err) != "access_denied" {
		t.Errorf("code: got %v", err)
	}
	s.member(true)
	if _, err := s.p.Apps().Tokens(ctx, *c, s.session, "openid"); err != nil {
		t.Error(err)
	}
	if _, err := s.p.Apps().Code(ctx, *c, appAsks(), s.session); err != nil {
		t.Error(err)
	}
}
