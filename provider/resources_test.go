package provider

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

const (
	orders, calendar = "https://orders.example/v1", "https://calendar.example/"
	closedAPI        = "https://closed.example"
)

// startWithOrders is startTokens at a tenant with the APIs orders and calendar, and one that admits another client.
func startWithOrders(t testing.TB, database string) *tokenServer {
	t.Helper()
	store := openDatabase(t, database)
	tenant, err := store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	tenant.Settings.APIs = []storage.API{
		{Identifier: orders, Name: "Orders", Scopes: []storage.APIScope{{Name: "orders:read"}, {Name: "shared"}}},
		{Identifier: calendar, Scopes: []storage.APIScope{{Name: "calendar:read"}, {Name: "shared"}}},
		{Identifier: closedAPI, Clients: []string{"another"}},
	}
	if err := store.UpdateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	return startTokensOn(t, store, memory.New(), func(c *Config) {
		c.Sessions = &browser.Sessions{Store: c.Store.(sessions.Store), Idle: time.Hour, Lifetime: time.Hour}
		c.Pages = Pages{Login: "/login", Consent: "/consent"}
	})
}

const orderScopes = "openid offline_access orders:read calendar:read shared api"

func ofOrders(c *storage.Client) { c.Scope = orderScopes }

// askedFor is the code of an authorization that named the APIs.
func askedFor(audience ...string) func(*tokens.Code) {
	return func(c *tokens.Code) { c.Scopes, c.Audience = strings.Fields(orderScopes), audience }
}

// isAt checks the audience and the scopes of an access token.
func (s *tokenServer) isAt(a reply, scope string, audience ...string) {
	s.Helper()
	if a.status != http.StatusOK {
		s.Fatalf("got %d %s", a.status, a.raw)
	}
	got := s.access(a)
	if !cmp.Equal([]string(got.Audience), audience) || got.Scope != scope || a.str("scope") != scope {
		s.Errorf("got %q for %q and %q in the answer, want %q for %q", got.Scope, got.Audience, a.str("scope"), scope,
			audience)
	}
}

// RFC 8707: tokens are for the APIs that the client names, one or several, with or without a trailing slash; a token
// request may ask for a part of them, and a refresh that names none keeps them.
func TestTokensAreForTheResourcesThatWereAskedFor(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithOrders(t, database(t))
			c := s.client(ofOrders)
			a := s.tokens(c, askedFor(orders, calendar))
			s.isAt(a, orderScopes, orders, calendar)

			one := s.code(c, askedFor(orders, calendar))
			s.isAt(s.post(values("grant_type", "authorization_code", "client_id", "spa", "code", one, "redirect_uri",
				testRedirect, "code_verifier", testVerifier, "resource", orders+"/", "resource", orders)),
				"openid offline_access orders:read shared api", orders)

			a = s.refresh(c, a.str("refresh_token"))
			s.isAt(a, orderScopes, orders, calendar)
			a = s.refresh(c, a.str("refresh_token"), "resource", strings.TrimSuffix(calendar, "/"))
			s.isAt(a, "openid offline_access calendar:read shared api", calendar)
			a = s.refresh(c, a.str("refresh_token"), "resource", orders, "scope", "orders:read calendar:read")
			s.isAt(a, "orders:read", orders)
			a = s.refresh(c, a.str("refresh_token"), "resource", "")
			s.isAt(a, orderScopes, orders, calendar)

			jobs, secret := s.service("jobs", func(c *storage.Client) {
				c.Scope, c.Audience = "orders:read calendar:read api", []string{"urn:old"}
			})
			ask := func(resource ...string) reply {
				form := values("grant_type", "client_credentials")
				form["resource"] = resource
				return s.post(form, basic(jobs.ClientID, secret))
			}
			s.isAt(ask(), "orders:read calendar:read api", "urn:old")
			s.isAt(ask("urn:old"), "api", "urn:old")
			s.isAt(ask(calendar), "calendar:read api", calendar)
			s.isAt(ask(calendar, orders), "orders:read calendar:read api", calendar, orders)
			s.isAt(ask(testIssuer), "api", testIssuer)
		})
	}
}

// invalid_target costs nothing: the code, and the refresh token, still work.
func TestARefusedResourceSpendsNothing(t *testing.T) {
	t.Parallel()
	s := startWithOrders(t, "sqlite::memory:")
	c := s.client(ofOrders)
	code := s.code(c, askedFor(orders))
	redeem := func(resource ...string) reply {
		form := values("grant_type", "authorization_code", "client_id", "spa", "code", code, "redirect_uri", testRedirect,
			"code_verifier", testVerifier)
		form["resource"] = resource
		return s.post(form)
	}
	for _, bad := range [][]string{
		{calendar}, {orders, calendar}, {closedAPI}, {"https://unknown.example"}, {"orders"}, {orders + "#x"}, {"//"},
		{orders + "//"}, {strings.ToUpper(orders)}, {testIssuer}, {"https://orders.example"},
	} {
		s.fails(redeem(bad...), http.StatusBadRequest, "invalid_target")
	}
	a := redeem(orders)
	s.isAt(a, "openid offline_access orders:read shared api", orders)
	for _, bad := range []string{calendar, closedAPI, "x", testIssuer} {
		s.fails(s.refresh(c, a.str("refresh_token"), "resource", bad), http.StatusBadRequest, "invalid_target")
	}
	s.isAt(s.refresh(c, a.str("refresh_token"), "resource", orders), "openid offline_access orders:read shared api",
		orders)
	jobs, secret := s.service("jobs", func(c *storage.Client) { c.Scope = "orders:read" })
	s.fails(s.post(values("grant_type", "client_credentials", "resource", closedAPI), basic(jobs.ClientID, secret)),
		http.StatusBadRequest, "invalid_target")
	twice := values("grant_type", "client_credentials", "scope", "api", "scope", "api")
	s.fails(s.post(twice, basic(jobs.ClientID, secret)), http.StatusBadRequest, "invalid_request")
}

// An API that is removed, or admits the client no longer, gets no more tokens by grants that named it.
func TestARefreshLeavesOutAPIsThatTheClientLost(t *testing.T) {
	t.Parallel()
	s := startWithOrders(t, "sqlite::memory:")
	c := s.client(ofOrders)
	a, lone := s.tokens(c, askedFor(orders, calendar)), s.tokens(c, askedFor(orders))
	tenant, err := s.store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	tenant.Settings.APIs[0].Clients = []string{"another"}
	if err := s.store.UpdateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	s.serve(s.p.Config)
	s.isAt(s.refresh(c, lone.str("refresh_token")), "openid offline_access calendar:read shared api", testIssuer)
	a = s.refresh(c, a.str("refresh_token"))
	s.isAt(a, "openid offline_access calendar:read shared api", calendar)
	s.fails(s.refresh(c, a.str("refresh_token"), "resource", orders), http.StatusBadRequest, "invalid_target")
}

// pairs returns the name before each of the values.
func pairs(name string, values []string) (all []string) {
	for _, v := range values {
		all = append(all, name, v)
	}
	return all
}

// The user allows each API that a client names, once: one without scopes, too.
func TestEachNamedAPINeedsConsent(t *testing.T) {
	t.Parallel()
	s := startWithOrders(t, "sqlite::memory:")
	c := s.client(ofOrders)
	v := &asker{&visitor{s, map[string]string{}}, c}
	v.signsIn(v.user)
	leadsTo := func(scope string, resource ...string) (string, url.Values) {
		return v.asks(slices.Concat([]string{"scope", scope, "state", "s-1"}, pairs("resource", resource))...)
	}
	allow := func(scopes, resources []string) {
		consent := storage.Consent{TenantID: c.TenantID, UserID: v.user.ID, ClientID: c.ClientID, Scopes: scopes,
			Resources: resources}
		if err := storagetest.PutConsent(t.Context(), v.store, consent); err != nil {
			t.Fatal(err)
		}
	}
	allow([]string{"openid", "orders:read"}, nil)
	if _, answer := leadsTo("openid orders:read"); answer.Get("code") == "" {
		t.Errorf("without resource: got %v, want a code", answer)
	}
	if page, _ := leadsTo("openid orders:read", orders); page != "/consent" {
		t.Errorf("for orders: got %s, want the consent page", page)
	}
	allow([]string{"openid", "orders:read"}, []string{orders})
	if page, _ := leadsTo("openid", orders, calendar); page != "/consent" {
		t.Errorf("for orders and calendar: got %s, want the consent page", page)
	}
	// Clients send all scopes that the metadata lists. Those of other APIs are left out, with or without the slash.
	_, answer := leadsTo("openid orders:read calendar:read", orders+"/")
	sealed, err := v.p.tokens.OpenCode(v.tenant, answer.Get("code"), time.Now())
	if err != nil || !slices.Equal(sealed.Audience, []string{orders}) ||
		!slices.Equal(sealed.Scopes, []string{"openid", "orders:read"}) {
		t.Errorf("got code %+v, %v from %v", sealed, err, answer)
	}
	for _, bad := range []string{closedAPI, "https://unknown.example", "orders", orders + "#"} {
		if _, answer := leadsTo("openid", bad); answer.Get("error") != "invalid_target" || answer.Get("state") != "s-1" {
			t.Errorf("%s: got %v, want invalid_target", bad, answer)
		}
	}
}
