package provider

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/provider/token"
	"github.com/vouchsafe/vouchsafe/storage"
)

// startKeys serves with API keys, which users may have, too.
func startKeys(t *testing.T) *tokenServer {
	t.Helper()
	store, ephemeral := openTestStore(t)
	tenant, err := store.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	tenant.Settings.APIKeys.Users = true
	if err := store.UpdateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	return startTokensOn(t, store, ephemeral, func(c *Config) {
		c.APIKeys = &apikeys.Reader{Store: c.Store.(storage.APIKeys), Limits: c.Limits, Log: c.Log}
	})
}

// apiKey stores a key of the client, or of the signed-in user if client is "", and returns it with its record.
func (s *tokenServer) apiKey(client string, scopes ...string) (string, storage.APIKey) {
	s.Helper()
	value := apikeys.NewSecret(client != "")
	hash := sha256.Sum256([]byte(value))
	k := storage.APIKey{
		TenantID: s.tenant.ID, ID: uuid.Must(uuid.NewV7()).String(), Hash: hash[:], Start: value[:12], Name: "job",
		ClientID: client, Scopes: scopes, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}
	s.apply(storage.Change{UserID: s.user.ID, AddAPIKey: &k})
	return value, k
}

// apply makes a change.
func (s *tokenServer) apply(ch storage.Change) {
	s.Helper()
	ch.TenantID, ch.Now = s.tenant.ID, time.Now()
	if err := s.store.Apply(s.Context(), ch); err != nil {
		s.Fatal(err)
	}
}

// exchange asks for an access token for the key.
func (s *tokenServer) exchange(key string, more ...string) reply {
	s.Helper()
	return s.post(values(append([]string{"grant_type", clients.ExchangeGrant, "subject_token", key,
		"subject_token_type", token.APIKeyType}, more...)...))
}

// TestAKeyAloneGivesAToken: a service that has a key and nothing else gets a JWT of five minutes for it.
func TestAKeyAloneGivesAToken(t *testing.T) {
	t.Parallel()
	s := startKeys(t)
	s.service("billing", func(c *storage.Client) {
		c.Scope, c.Audience = "orders:read orders:write", []string{"https://orders.example.com"}
	})
	key, record := s.apiKey("billing", "orders:read", "orders:write")
	a := s.exchange(key, "scope", "orders:read")
	if a.status != http.StatusOK || a.str("scope") != "orders:read" || a.body["expires_in"] != 300.0 ||
		a.str("issued_token_type") != "urn:ietf:params:oauth:token-type:access_token" || a.str("token_type") != "Bearer" {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if c := s.access(a); c.Subject != "billing" || c.ClientID != "billing" || c.KeyID != record.ID ||
		!slices.Equal(c.Audience, []string{"https://orders.example.com"}) {
		t.Errorf("got %+v", c)
	}
	s.fails(s.exchange(key, "scope", "orders:read openid"), http.StatusBadRequest, "invalid_scope")
	s.fails(s.exchange(key, "resource", "https://other.example.com"), http.StatusBadRequest, "invalid_target")
	s.fails(s.exchange(key, "client_id", "other"), http.StatusBadRequest, "invalid_request")
	s.fails(s.exchange(key, "client_secret", "x"), http.StatusUnauthorized, "invalid_client")
	s.fails(s.exchange(key, "actor_token", "x"), http.StatusBadRequest, "invalid_request")
	s.fails(s.exchange(key+"0"), http.StatusBadRequest, "invalid_request")
	s.fails(s.exchange(apikeys.NewSecret(true)), http.StatusBadRequest, "invalid_request")
	s.fails(s.exchange(a.str("access_token")), http.StatusBadRequest, "invalid_request")
	p := s.proves() // it may be bound to a key (RFC 9449)
	a = p.posts(values("grant_type", clients.ExchangeGrant, "subject_token", key, "subject_token_type", token.APIKeyType))
	if a.str("token_type") != "DPoP" || s.access(a).Confirmation.Key() != p.jkt {
		t.Errorf("with a proof: got %d %s, want a bound token", a.status, a.raw)
	}
}

// TestAKeyDiesWithItsOwner: a key, and the tokens that it gave, work at our endpoints no longer than their owner may.
// Elsewhere keys outlived the account, or the right that they were made with.
func TestAKeyDiesWithItsOwner(t *testing.T) {
	t.Parallel()
	s := startKeys(t)
	_, secret := s.service("gateway", func(c *storage.Client) { c.MayIntrospect = true })
	c, _ := s.service("billing", func(c *storage.Client) { c.Scope = "orders:read orders:write" })
	key, _ := s.apiKey("billing", "orders:read", "orders:write")
	access := s.exchange(key).str("access_token")
	scopes := func(value string) string {
		a := s.inspect("gateway", secret, value)
		if !s.active(a) {
			return "inactive"
		}
		return a.str("scope")
	}
	for _, value := range []string{key, access} {
		if got := scopes(value); got != "orders:read orders:write" {
			t.Errorf("got %q", got)
		}
	}
	c.Scope = "orders:read"
	s.put(c)
	for _, value := range []string{key, access} {
		if got := scopes(value); got != "orders:read" {
			t.Errorf("after a scope was taken from the client: got %q", got)
		}
	}
	s.fails(s.exchange(key, "scope", "orders:write"), http.StatusBadRequest, "invalid_scope")
	c.Disabled = true
	s.put(c)
	for _, value := range []string{key, access} {
		if got := scopes(value); got != "inactive" {
			t.Errorf("of a disabled client: got %q", got)
		}
	}
	s.fails(s.exchange(key), http.StatusBadRequest, "invalid_request")

	own, _ := s.apiKey("", "openid", "profile")
	for _, value := range []string{own, s.exchange(own).str("access_token")} {
		if a := s.do(request("GET", "/userinfo", "", "Authorization: Bearer "+value)); a.str("sub") != s.user.ID {
			t.Errorf("userinfo: got %d %s", a.status, a.raw)
		}
	}
	s.apply(storage.Change{UserID: s.user.ID, Raise: true}) // as a new password does
	s.fails(s.exchange(own), http.StatusBadRequest, "invalid_request")
	if got := scopes(own); got != "inactive" {
		t.Errorf("after the credentials changed: got %q", got)
	}
}

// TestOthersLearnNothingAboutAKey: a client that may not introspect learns nothing, as of a token.
func TestOthersLearnNothingAboutAKey(t *testing.T) {
	t.Parallel()
	s := startKeys(t)
	_, secret := s.service("other")
	key, _ := s.apiKey("", "openid")
	if a := s.inspect("other", secret, key); s.active(a) || strings.Contains(a.raw, s.user.ID) {
		t.Errorf("got %s", a.raw)
	}
}

// TestWrongKeysAreLimited: values without a right checksum ask no database, and unknown keys are limited by address.
// Living keys are not: no program behind the address is kept out.
func TestWrongKeysAreLimited(t *testing.T) {
	t.Parallel()
	s := startKeys(t)
	key, _ := s.apiKey("", "openid")
	counted := s.store.(interface{ Statements() int64 })
	s.exchange("no key") // what is cached is read
	before := counted.Statements()
	for range 150 {
		s.fails(s.exchange(apikeys.NewSecret(false)[:43]+"~"), http.StatusBadRequest, "invalid_request")
	}
	if n := counted.Statements() - before; n > 0 {
		t.Errorf("values that are no keys cost %d statements", n)
	}
	for range 100 {
		s.fails(s.exchange(apikeys.NewSecret(false)), http.StatusBadRequest, "invalid_request")
	}
	s.fails(s.exchange(apikeys.NewSecret(false)), http.StatusTooManyRequests, "temporarily_unavailable")
	before = counted.Statements()
	if a := s.exchange(key); a.status != http.StatusOK {
		t.Errorf("got %d %s for a living key", a.status, a.raw)
	}
	first := counted.Statements() - before
	s.exchange(key)
	if n := counted.Statements() - before - first; n != 1 {
		t.Errorf("a key costs %d statements, want one read", n)
	}
}
