package keys

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/jws"
)

// P10: a token that was verified before is accepted no longer than its key is published, and for
// nothing but its type and tenant.
func TestAVerifiedTokenNeedsItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRing(t)
		k := s.ring
		token, err := k.Sign(t.Context(), s.tenant, "ES256", "at+jwt", []byte(`{"a":1}`))
		if err != nil {
			t.Fatal(err)
		}
		verify := func(token string, algs []jose.SignatureAlgorithm, typ string) error {
			claims, err := k.Verify(t.Context(), s.tenant, token, algs, typ)
			if err == nil && string(claims) != `{"a":1}` {
				t.Errorf("got the claims %s", claims)
			}
			return err
		}
		for range 2 {
			if err := verify(token, clients.SigningAlgorithms, "at+jwt"); err != nil {
				t.Fatal(err)
			}
		}
		if n := k.verified.recent.Len(); n != 1 {
			t.Errorf("%d tokens are remembered, want one", n)
		}
		parts := strings.Split(token, ".")
		for name, err := range map[string]error{
			"another typ":       verify(token, clients.SigningAlgorithms, "JWT"),
			"another algorithm": verify(token, []jose.SignatureAlgorithm{jose.RS256}, "at+jwt"),
			"other claims":      verify(parts[0]+".eyJhIjoyfQ."+parts[2], clients.SigningAlgorithms, "at+jwt"),
		} {
			if !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("%s: got %v, want %v", name, err, jws.ErrInvalid)
			}
		}
		if _, err := k.Verify(t.Context(), "another", token, clients.SigningAlgorithms,
			"at+jwt"); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("another tenant: got %v, want %v", err, jws.ErrInvalid)
		}
		kid := s.kidOf(k, "ES256")
		if err := s.store.RemoveKey(t.Context(), s.tenant, kid); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cache.TTL)
		if err := verify(token, clients.SigningAlgorithms, "at+jwt"); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("its key was removed: got %v, want %v", err, jws.ErrInvalid)
		}
	})
}

func TestVerifiedTokensAreBounded(t *testing.T) {
	t.Parallel()
	var tokens verifiedTokens
	name := func(i int) [32]byte { return verifiedName("default", "at+jwt", string(rune(i))) }
	for i := range 3*maxVerified + 1 {
		tokens.keep(name(i), verified{})
		if _, ok := tokens.find(name(0)); !ok { // asked for all the time
			t.Fatalf("the token in use was forgotten after %d others", i)
		}
	}
	if n := tokens.recent.Len(); n > 2*maxVerified {
		t.Errorf("%d tokens are remembered, want at most %d", n, 2*maxVerified)
	}
	if _, ok := tokens.find(name(1)); ok {
		t.Error("a token that was not in use is still remembered")
	}
	tokens.keep(name(1), verified{claims: make([]byte, maxVerifiedClaims+1)})
	if _, ok := tokens.find(name(1)); ok {
		t.Error("a token with much in it is remembered")
	}
}
