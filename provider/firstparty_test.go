package provider

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// app registers a public first-party client.
func (s *tokenServer) app(change ...func(*storage.Client)) *storage.Client {
	s.Helper()
	return s.client(append([]func(*storage.Client){func(c *storage.Client) {
		c.ClientID, c.FirstParty = "app", true
		c.GrantTypes = []string{clients.FirstPartyGrant, "authorization_code", "refresh_token"}
	}}, change...)...)
}

// inTenant is a request as the JSON API gets it.
func (s *tokenServer) inTenant(header ...string) *http.Request {
	r := httptest.NewRequest("POST", testIssuer+"/auth/sign-in", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r.WithContext(web.WithTenant(r.Context(), s.tenant))
}

// given are the tokens as an answer of /token.
func given(t storage.Tokens) reply {
	return reply{body: map[string]any{
		"access_token": t.AccessToken, "refresh_token": t.RefreshToken, "id_token": t.IDToken, "scope": t.Scope,
	}}
}

func (s *tokenServer) appTokens(c *storage.Client, scope string) reply {
	s.Helper()
	t, err := s.p.Apps().Tokens(s.inTenant().Context(), *c, s.session, scope)
	if err != nil {
		s.Fatal(err)
	}
	return given(t)
}

func problemCode(err error) string {
	var p *web.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// What an app is given is what the code of the same session would have given it.
func TestAnAppsTokensAreThoseOfACode(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.app(func(c *storage.Client) { c.Audience = []string{"https://api.example.com"} })
	byCode := s.tokens(c, func(k *tokens.Code) {
		k.Nonce, k.Scopes, k.Audience = "", []string{"openid", "profile", "email", "api"}, c.Audience
	})
	byApp := s.appTokens(c, "")
	for _, name := range []string{"access_token", "id_token"} {
		a, b := payload(t, byCode.str(name)), payload(t, byApp.str(name))
		for _, own := range []string{"jti", "grant_id", "at_hash", "iat", "exp"} {
			if a[own] == nil != (b[own] == nil) {
				t.Errorf("%s: %s is %v and %v", name, own, a[own], b[own])
			}
			delete(a, own)
			delete(b, own)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	a, b := s.grant(byCode), s.grant(byApp)
	a.ID, a.CodeID, b.ID = "", "", ""
	if d := b.CreatedAt.Sub(a.CreatedAt); d < 0 || d > time.Minute {
		t.Errorf("made %s apart", d)
	}
	a.CreatedAt, a.RotatedAt, a.IdleExpiresAt, a.ExpiresAt = b.CreatedAt, b.RotatedAt, b.IdleExpiresAt, b.ExpiresAt
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("grant: %s", diff)
	}
	if byApp.str("scope") != "openid profile email api" || slices.Contains(b.Scopes, "offline_access") {
		t.Errorf("scope without asking: %q", byApp.str("scope"))
	}
	if _, err := s.p.Apps().Tokens(
		s.inTenant().Context(), *c, s.session, "openid admin",
	); problemCode(err) != "invalid_scope" {
		t.Errorf("a scope of others: got %v", err)
	}
}

// SQL decides: a user who was deleted, signed out or changed since gets nothing, and what was
// given dies.
func TestAnAppsTokensDieWithTheirSession(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.app()
	session, offline := s.appTokens(c, "openid"), s.appTokens(c, "openid offline_access")
	if !s.lives(session) || !s.lives(offline) {
		t.Fatal("not alive to begin with")
	}
	if err := s.store.Apply(t.Context(), storage.Change{
		TenantID: s.tenant.ID, Now: time.Now(), EndSessions: &storage.SessionFilter{IDs: []string{s.session.ID}},
	}); err != nil {
		t.Fatal(err)
	}
	if s.lives(session) || !s.lives(offline) {
		t.Errorf("after the session: %v, %v; want the one with offline_access alone", s.lives(session), s.lives(offline))
	}
	if _, err := s.p.Apps().Tokens(s.inTenant().Context(), *c, s.session, ""); problemCode(err) != "invalid_grant" {
		t.Errorf("tokens of an ended session: got %v", err)
	}
	if err := storagetest.ChangeCredential(t.Context(), s.store, storage.Credential{
		TenantID: s.tenant.ID, UserID: s.user.ID, Kind: "password", Data: []byte("x"),
	}); err != nil {
		t.Fatal(err)
	}
	if s.lives(offline) {
		t.Error("alive after a change of password")
	}
}

// One rotation, whichever way a token is refreshed: a reuse across the two is found.
func TestAnAppRefreshesAsAtTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	s := startTokens(t, func(c *Config) { c.RefreshTokenGrace = time.Nanosecond })
	c, other := s.app(), s.client()
	apps := s.p.Apps()
	first := s.appTokens(c, "openid api")
	second, err := apps.Refresh(s.inTenant().Context(), *c, first.str("refresh_token"), "api")
	if err != nil || second.Scope != "api" || second.RefreshToken == first.str("refresh_token") {
		t.Fatalf("got %+v, %v", second, err)
	}
	if _, err := apps.Refresh(
		s.inTenant().Context(), *other, second.RefreshToken, "",
	); problemCode(err) != "invalid_grant" || !s.lives(first) {
		t.Errorf("another client's use: got %v, alive: %v", err, s.lives(first))
	}
	third := s.refresh(c, second.RefreshToken)
	if third.status != http.StatusOK {
		t.Fatalf("/token: got %d %s", third.status, third.raw)
	}
	if _, err := apps.Refresh(
		s.inTenant().Context(), *c, first.str("refresh_token"), "",
	); problemCode(err) != "invalid_grant" || s.lives(third) {
		t.Errorf("a token that was used before: got %v, alive: %v", err, s.lives(third))
	}
	if got := s.events("refresh.reused"); got != 1 {
		t.Errorf("got %d events of reuse", got)
	}
}

func TestCallersOfTheAppsAPI(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	apps := s.p.Apps()
	s.app()
	s.app(func(c *storage.Client) { c.ClientID, c.FirstParty = "theirs", false })
	s.app(func(c *storage.Client) { c.ClientID, c.GrantTypes = "pages", []string{"authorization_code"} })
	plain, hash := clients.NewSecret()
	s.app(func(c *storage.Client) {
		c.ClientID, c.TokenEndpointAuthMethod, c.SecretHashes = "server", "client_secret_basic", []string{hash}
	})
	for name, c := range map[string]struct {
		form   url.Values
		header []string
		want   string
	}{
		"one that is registered": {values("client_id", "app"), nil, ""},
		"one with a secret":      {nil, []string{"Authorization", basic("server", plain)[len("Authorization: "):]}, ""},
		"a wrong secret": {
			nil, []string{"Authorization", basic("server", "x")[len("Authorization: "):]}, "invalid_client",
		},
		"no secret":             {values("client_id", "server"), nil, "invalid_client"},
		"another method":        {values("client_id", "server", "client_secret", plain), nil, "invalid_client"},
		"unknown":               {values("client_id", "nobody"), nil, "invalid_client"},
		"a stranger's":          {values("client_id", "theirs"), nil, "unauthorized_client"},
		"one without the grant": {values("client_id", "pages"), nil, "unauthorized_client"},
		"nobody":                {nil, nil, "invalid_client"},
	} {
		if _, err := apps.App(s.inTenant(c.header...), c.form); problemCode(err) != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// Signing out ends what the app has of the session; others' tokens are left alone.
func TestAnAppEndsItsSessionByAToken(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	apps, c, other := s.p.Apps(), s.app(), s.client()
	mine, kept := s.appTokens(c, "openid offline_access"), s.tokens(other)
	for _, token := range []string{"", "vrt_x", "x.y.z", kept.str("refresh_token"), kept.str("access_token")} {
		if err := apps.SignOut(s.inTenant().Context(), *c, token); err != nil {
			t.Errorf("%.8s: %v", token, err)
		}
	}
	if !s.lives(mine) || !s.lives(kept) {
		t.Fatal("a token that is none of the app's ended something")
	}
	err := apps.SignOut(s.inTenant().Context(), *c, mine.str("access_token"))
	if err != nil || s.lives(mine) || !s.lives(kept) {
		t.Errorf("got %v; alive: %v, another's, which outlives the session: %v", err, s.lives(mine), s.lives(kept))
	}
	if _, _, err := s.store.Session(
		t.Context(), s.tenant.ID, s.session.ID, time.Now(),
	); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the session: got %v, want ErrNotFound", err)
	}
	if got := s.events("grant.revoked"); got != 1 {
		t.Errorf("got %d events", got)
	}
}

func TestUserOfAnAccessToken(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	apps := s.p.Apps()
	c, pages := s.app(), s.client()
	mine, theirs := s.appTokens(c, "openid"), s.tokens(pages)
	for name, h := range map[string]struct {
		header []string
		want   string
	}{
		"the app's": {[]string{"Authorization", "Bearer " + mine.str("access_token")}, ""},
		"no header": {nil, "invalid_token"},
		"two": {
			[]string{"Authorization", "Bearer " + mine.str("access_token"), "Authorization", "Bearer x"}, "invalid_token",
		},
		"a refresh token":   {[]string{"Authorization", "Bearer " + mine.str("refresh_token")}, "invalid_token"},
		"an ID token":       {[]string{"Authorization", "Bearer " + mine.str("id_token")}, "invalid_token"},
		"another client's":  {[]string{"Authorization", "Bearer " + theirs.str("access_token")}, "unauthorized_client"},
		"Basic":             {[]string{"Authorization", "Basic " + mine.str("access_token")}, "invalid_token"},
		"with a line in it": {[]string{"Authorization", "Bearer a\r\nb"}, "invalid_token"},
		"a made-up one":     {[]string{"Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."}, "invalid_token"},
	} {
		_, g, u, err := apps.Person(s.inTenant(h.header...))
		if problemCode(err) != h.want || err == nil && (u.ID != s.user.ID || g.SessionID != s.session.ID) {
			t.Errorf("%s: got %v for %q, want %q", name, err, u.ID, h.want)
		}
	}
}

func TestTheGrantTypeOfApps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		client storage.Client
		faulty bool
	}{
		"without pages": {storage.Client{
			ClientID: "a", FirstParty: true, GrantTypes: []string{clients.FirstPartyGrant, "refresh_token"},
		}, false},
		"not first-party":    {storage.Client{ClientID: "a", GrantTypes: []string{clients.FirstPartyGrant}}, true},
		"refreshing nothing": {storage.Client{ClientID: "a", FirstParty: true, GrantTypes: []string{"refresh_token"}}, true},
	} {
		faults := clients.Validate(&c.client)
		if (len(faults) > 0) != c.faulty {
			t.Errorf("%s: got %v", name, faults)
		}
	}
	s := startTokens(t)
	s.fails(s.post(values("grant_type", clients.FirstPartyGrant, "client_id", s.app().ClientID)),
		http.StatusBadRequest, "unsupported_grant_type")
}
