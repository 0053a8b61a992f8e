package clientauth

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/storage"
)

// F3: every malformed assertion is refused without an internal error.
func FuzzAssertion(f *testing.F) {
	f.Add("a.b.c")
	f.Add(unverifiable(`{"alg":"ES256","kid":"k"}`,
		map[string]any{"iss": "c", "sub": "c", "aud": []string{"x"}, "exp": 1e300}))
	f.Add(unverifiable(`{"alg":"RS256","jwk":{"kty":"RSA","n":"AQ","e":"AQ"}}`,
		map[string]any{"iss": "c", "sub": "c", "aud": nil}))
	f.Fuzz(func(t *testing.T, jwt string) {
		a, err := readAssertion(url.Values{"client_assertion_type": {assertionType}, "client_assertion": {jwt}})
		if err != nil {
			return
		}
		if a.Subject == "" || a.Subject != a.Issuer || len(jwt) > jws.MaxLength {
			t.Errorf("got %+v from %q", a, jwt)
		}
		_ = a.check(&issuer.Tenant{Issuer: "https://id.example.com"}, time.Now())
	})
}

// The slow hash of a secret that an administrator chose is computed once in a process, not for
// every token.
func TestChosenSecretsAreRemembered(t *testing.T) {
	t.Parallel()
	m := newSecretMatcher()
	hashes := []string{hashSlowly(t, "chosen")}
	asked := 0
	admit := func() error { asked++; return nil }
	for range 3 {
		if ok, err := m.match(t.Context(), hashes, "chosen", admit); !ok || err != nil {
			t.Fatalf("got %v, %v", ok, err)
		}
	}
	if asked != 1 {
		t.Errorf("%d slow comparisons, want one", asked)
	}
	if ok, _ := m.match(t.Context(), hashes, "other", admit); ok {
		t.Error("another secret matched")
	}
	if ok, _ := m.match(t.Context(), []string{hashSlowly(t, "new one")}, "chosen", admit); ok {
		t.Error("a secret matched after it was replaced")
	}
}

// Many requests at once, right after the start, wait for one hash, and none is refused because all
// of them want to hash.
func TestChosenSecretIsHashedOnceForManyAtOnce(t *testing.T) {
	t.Parallel()
	m := newSecretMatcher()
	hashes := []string{hashSlowly(t, "chosen")}
	var asked atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			ok, err := m.match(t.Context(), hashes, "chosen", func() error { asked.Add(1); return nil })
			if !ok || err != nil {
				t.Errorf("got %v, %v", ok, err)
			}
		})
	}
	wg.Wait()
	if got := asked.Load(); got != 1 {
		t.Errorf("%d slow comparisons, want one", got)
	}
}

func FuzzBasicCredentials(f *testing.F) {
	for _, v := range []string{"Basic YTpi", "basic YTpi", "Basic ", "Basic YSUzQTpi", "Bearer x",
		"Basic Og==", "Basic /w=="} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, header string) {
		id, secret, _, ok := parseBasic(header)
		if !ok {
			return
		}
		if id == "" || !storage.WellFormed(id) || !storage.WellFormed(secret) {
			t.Errorf("got %q, %q from %q", id, secret, header)
		}
		again := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
		if id2, secret2, _, ok := parseBasic(again); !ok || id2 != id || secret2 != secret {
			t.Errorf("got %q, %q, %v of what was written for %q, %q", id2, secret2, ok, id, secret)
		}
	})
}

// hashSlowly returns the stored hash of a secret that an administrator chose.
func hashSlowly(t testing.TB, secret string) string {
	t.Helper()
	h := argon2id.Hasher{Params: argon2id.Params{Memory: 64, Time: 1, Threads: 1}}
	hash, err := h.Hash(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// unverifiable returns a JWT whose signature does not come from a key.
func unverifiable(header string, claims map[string]any) string {
	plain, _ := json.Marshal(claims)
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString(plain) + ".AAAA"
}
