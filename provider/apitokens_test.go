package provider

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
)

// startWithAPIs is startTokens at a tenant with APIs.
func startWithAPIs(t *testing.T, database string) *tokenServer {
	t.Helper()
	store := openDatabase(t, database)
	tenant, err := store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	api := func(name, format string, lifetime time.Duration, clients ...string) storage.API {
		return storage.API{
			Identifier: "https://" + name + ".example", Scopes: []storage.APIScope{{Name: name}}, AccessTokenFormat: format,
			AccessTokenLifetime: storage.Duration(lifetime), Clients: clients,
		}
	}
	tenant.Settings.APIs = []storage.API{
		api("secret", "opaque", 5*time.Minute), api("short", "", time.Minute), api("long", "jwt", time.Hour),
		api("plain", "", 0), api("closed", "opaque", time.Second, "another"),
	}
	tenant.Settings.APIs[3].Scopes = append(tenant.Settings.APIs[3].Scopes, storage.APIScope{Name: "closed"})
	if err := store.UpdateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	return startTokensOn(t, store, memory.New())
}

// databases start a new database of each kind, and return its URL.
var databases = map[string]func(t *testing.T) string{
	"SQLite":     func(*testing.T) string { return "sqlite::memory:" },
	"PostgreSQL": func(t *testing.T) string { return pgtest.Start(t) },
}

const everyAPI = "openid offline_access secret short long plain closed none"

// isLike checks the format and the lifetime of an access token, by what the answer says and by what introspection
// and the token itself say.
func (s *tokenServer) isLike(a reply, opaque bool, lifetime time.Duration) {
	s.Helper()
	if a.status != http.StatusOK {
		s.Fatal(a.raw)
	}
	read := s.access(a)
	is := strings.HasPrefix(a.str("access_token"), "vat_")
	if is != opaque || a.body["expires_in"] != lifetime.Seconds() || read.Lifetime() != lifetime {
		s.Errorf("%q: got opaque %v for %v seconds, %s in the token; want %v for %s", a.str("scope"), is,
			a.body["expires_in"], read.Lifetime(), opaque, lifetime)
	}
}

// TestAnAPISaysHowItsAccessTokensAreMade by its scopes or as an audience. A token for several APIs is made as the
// strictest says.
func TestAnAPISaysHowItsAccessTokensAreMade(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithAPIs(t, database(t))
			for format, lifetime := range map[string]time.Duration{"jwt": 20 * time.Minute, "opaque": 30 * time.Second} {
				own := format == "opaque"
				change := func(c *storage.Client) {
					c.Scope, c.AccessTokenFormat, c.AccessTokenLifetime = everyAPI, format, storage.Duration(lifetime)
				}
				jobs, secret := s.service("jobs-"+format, change)
				for _, c := range []struct {
					scope    string
					opaque   bool
					lifetime time.Duration
				}{
					{"none", own, lifetime}, {"plain", own, lifetime}, {"secret", true, 5 * time.Minute},
					{"short", own, time.Minute}, {"long", false, time.Hour}, {"long none", false, time.Hour},
					{"secret long", true, 5 * time.Minute}, {"short long", own, time.Minute},
					{"long plain", own, lifetime}, {"secret short long", true, time.Minute},
					// closed is a scope of an API that the client may not ask for, and of plain.
					{"closed", own, lifetime},
				} {
					a := s.post(values("grant_type", "client_credentials", "scope", c.scope), basic(jobs.ClientID, secret))
					s.isLike(a, c.opaque, c.lifetime)
					if got := s.form("/introspect", values("token", a.str("access_token")), basic(jobs.ClientID, secret)); got.
						body["active"] != true {
						t.Errorf("%s: introspection says %s", c.scope, got.raw)
					}
				}
				spa := s.client(change, func(c *storage.Client) { c.ClientID = "spa-" + format })
				first := s.tokens(spa, func(c *tokens.Code) { c.Scopes = strings.Fields("openid offline_access secret long") })
				s.isLike(first, true, 5*time.Minute)
				// A refresh for one of the APIs alone is for that API.
				second := s.refresh(spa, first.str("refresh_token"), "scope", "openid long")
				s.isLike(second, false, time.Hour)
				s.isLike(s.refresh(spa, second.str("refresh_token")), true, 5*time.Minute)
			}
		})
	}
}

// TestAnAPIThatIsTheAudience decides without any scope, with or without a slash at its end; and a grant that can't be
// refreshed lives as long as its access token.
func TestAnAPIThatIsTheAudience(t *testing.T) {
	t.Parallel()
	s := startWithAPIs(t, "sqlite::memory:")
	c, secret := s.service("jobs", func(c *storage.Client) {
		c.Scope, c.Audience = "", []string{"https://secret.example/"}
	})
	s.isLike(s.post(values("grant_type", "client_credentials"), basic(c.ClientID, secret)), true, 5*time.Minute)
	spa := s.client(func(c *storage.Client) {
		c.GrantTypes, c.Scope = []string{"authorization_code"}, everyAPI
	})
	a := s.tokens(spa, func(c *tokens.Code) { c.Scopes, c.Audience = []string{"long"}, []string{"https://short.example"} })
	s.isLike(a, false, time.Minute)
	if g := s.grant(a); g.ExpiresAt.Sub(g.CreatedAt) != time.Minute {
		t.Errorf("the grant lives for %s", g.ExpiresAt.Sub(g.CreatedAt))
	}
}
