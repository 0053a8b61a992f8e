package provider

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// countingDeclared counts the looks at what clients declare.
type countingDeclared struct {
	testStore
	looks int
}

func (c *countingDeclared) DeclaresAlgorithm(ctx context.Context, tenant, alg string) (bool, error) {
	c.looks++
	return c.testStore.DeclaresAlgorithm(ctx, tenant, alg)
}

func algorithmsOf(set jose.JSONWebKeySet) []string {
	var algs []string
	for _, key := range set.Keys {
		algs = append(algs, key.Algorithm)
	}
	slices.Sort(algs)
	return algs
}

// Libraries that keep the JWK set know the key of the first ID token, and of the first signed
// userinfo, that a client is given.
func TestDeclaredAlgorithmsArePublishedBeforeTheirFirstUse(t *testing.T) {
	t.Parallel()
	for what, declare := range map[string]func(*storage.Client){
		"id_token_signed_response_alg": func(c *storage.Client) { c.IDTokenSignedResponseAlg = "EdDSA" },
		"userinfo_signed_response_alg": func(c *storage.Client) { c.UserinfoSignedResponseAlg = "EdDSA" },
	} {
		s := startTokens(t)
		if got := algorithmsOf(s.jwks("/jwks")); len(got) != 2 {
			t.Fatalf("got keys of %v, want no key that no client declares", got)
		}
		s = startTokens(t)
		c := s.client(declare)
		set := s.jwks("/jwks")
		if got := algorithmsOf(set); !slices.Equal(got, []string{"ES256", "EdDSA", "RS256"}) {
			t.Fatalf("%s: got keys of %v, want EdDSA among them", what, got)
		}
		a := s.tokens(c)
		signed := a.str("id_token")
		if c.UserinfoSignedResponseAlg != "" {
			raw, err := io.ReadAll(s.raw(request("GET", "/userinfo", "", bearer(a.str("access_token")))).Body)
			if err != nil {
				t.Fatal(err)
			}
			signed = string(raw)
		}
		parsed, err := jose.ParseSignedCompact(signed, clients.SigningAlgorithms)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if kid := parsed.Signatures[0].Protected.KeyID; len(set.Key(kid)) != 1 ||
			parsed.Signatures[0].Protected.Algorithm != "EdDSA" {
			t.Errorf("%s: the first is signed by %s, which was not published before: %v", what, kid, set.Keys)
		}
	}
}

// A client that begins to declare another algorithm has its key published at once by the command
// that stores it, at every replica, and soon by the server when something else has stored it.
func TestAlgorithmsThatAreDeclaredLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		s.jwks("/jwks")
		other := keys.NewRing(keys.Config{Lifetimes: keys.Lifetimes{Rotation: s.p.KeyRotation, Longest: 24 * time.Hour},
			Store: s.store, Secrets: s.p.Secrets, Algorithm: "ES256"})
		s.published(other)
		c := s.client(func(c *storage.Client) { c.IDTokenSignedResponseAlg = "EdDSA" })
		if err := s.p.Keys.Publish(t.Context(), s.tenant.ID, *c); err != nil {
			t.Fatal(err)
		}
		if got := algorithmsOf(s.jwks("/jwks")); !slices.Contains(got, "EdDSA") {
			t.Errorf("got keys of %v", got)
		}
		time.Sleep(cache.TTL)
		if n := len(s.published(other)); n != 3 {
			t.Errorf("another replica: got %d keys, want three", n)
		}
		if err := s.p.Keys.Publish(t.Context(), s.tenant.ID, *c); err != nil || len(s.jwks("/jwks").Keys) != 3 {
			t.Errorf("once more: %v, got %v", err, algorithmsOf(s.jwks("/jwks")))
		}
		// The key is removed: the next look brings another, before anything is signed.
		time.Sleep(time.Minute)
		kid := s.kidOf(s.p.Keys, "EdDSA")
		if err := s.store.RemoveKey(t.Context(), s.tenant.ID, kid); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cache.TTL)
		if set := s.jwks("/jwks"); len(set.Key(kid)) != 0 || !slices.Contains(algorithmsOf(set), "EdDSA") {
			t.Errorf("got keys of %v after the key was removed", algorithmsOf(set))
		}
		// In another tenant no client declares it.
		if err := s.store.AddTenant(t.Context(), storage.Tenant{ID: "other"}); err != nil {
			t.Fatal(err)
		}
		if set, err := s.p.Keys.Complete(t.Context(), "other"); err != nil || len(set.Public(time.Now()).Keys) != 2 {
			t.Errorf("another tenant: got %+v, %v, want two keys", set, err)
		}
	})
}

// Looking at the JWK set does not cost a look at the clients each time.
func TestDeclaredAlgorithmsAreLookedForSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		counting := &countingDeclared{testStore: s.store}
		k := keys.NewRing(keys.Config{Lifetimes: keys.Lifetimes{Rotation: s.p.KeyRotation, Longest: 24 * time.Hour},
			Store: counting, Secrets: s.p.Secrets, Algorithm: "ES256"})
		for range 100 {
			s.published(k)
			time.Sleep(time.Minute / 50)
		}
		if counting.looks > 3 {
			t.Errorf("%d looks in two periods", counting.looks)
		}
		s.client(func(c *storage.Client) { c.IDTokenSignedResponseAlg = "EdDSA" })
		time.Sleep(time.Minute)
		if n := len(s.published(k)); n != 3 {
			t.Errorf("got %d keys, want the declared algorithm's, too", n)
		}
	})
}
