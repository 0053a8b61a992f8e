package threats

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func assertionRows() []row {
	return []row{
		{"D7 client assertions", d7},
		{"D8 an assertion used again", d8},
		{"F1 algorithms in assertions", f1Assertions},
		{"F2 keys that the token brings", f2},
		{"L4 unknown kids", l4},
	}
}

func d7(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	now := time.Now().Unix()
	for _, k := range vouchsafetest.Keyed() {
		with := func(changes map[string]any) *vouchsafetest.Reply {
			claims := s.AssertionClaims(k.ID())
			maps.Copy(claims, changes)
			for name, v := range claims {
				if v == nil {
					delete(claims, name)
				}
			}
			return s.API(t).ByKey(t, k.Assertion(t, claims), "grant_type", "client_credentials", "scope", "reports:read")
		}
		for name, good := range map[string]map[string]any{
			"plain": {}, "aud in a list": {"aud": []string{s.Issuer}}, "aud is the token endpoint": {"aud": s.Issuer + "/token"},
			"nbf 8 s ahead": {"nbf": now + 8}, "iat 8 s ahead": {"iat": now + 8}, "no iat": {"iat": nil},
		} {
			if reply := with(good); reply.Status != 200 {
				t.Errorf("%s, %s: got %d %s, want tokens", k.Algorithm, name, reply.Status, reply.Raw)
			}
		}
		for name, bad := range map[string]map[string]any{
			"no exp": {"exp": nil}, "expired 5 min ago": {"exp": now - 300, "iat": now - 400},
			"exp in 10 years": {"exp": now + 10*365*86400}, "exp is text": {"exp": "tomorrow"},
			"nbf in 90 s": {"nbf": now + 90}, "iat in 10 min": {"iat": now + 600}, "no aud": {"aud": nil},
			"another aud":      {"aud": "https://evil.example"},
			"aud with another": {"aud": []string{s.Issuer, "https://evil.example"}},
			"aud with slash":   {"aud": s.Issuer + "/"}, "no jti": {"jti": nil},
			"iss is not sub": {"iss": "other"}, "sub is not iss": {"sub": "other"}, "no sub": {"sub": nil},
			"no iss": {"iss": nil}, "sub is a number": {"sub": 7},
		} {
			if reply := with(bad); reply.Status != 401 || reply.Error() != "invalid_client" {
				t.Errorf("%s, %s: got %d %s, want invalid_client", k.Algorithm, name, reply.Status, reply.Raw)
			}
		}
	}
	for _, garbage := range []string{"", "x", "a.b.c", "..", strings.Repeat("a", 200000), strings.Repeat(".", 50000)} {
		reply := api.ByKey(t, garbage, "grant_type", "client_credentials")
		if reply.Status < 400 || reply.Status > 413 {
			t.Errorf("assertion %.20q: got %d %s, want invalid_client", garbage, reply.Status, reply.Raw)
		}
	}
	k := vouchsafetest.Keyed()[0]
	good := k.Assertion(t, s.AssertionClaims(k.ID()))
	form := vouchsafetest.Values("grant_type", "client_credentials", "client_assertion", good,
		"client_assertion_type", "urn:other")
	api.Form(t, "/token", form).Want(t, 401, "invalid_client")
	api.ByKey(t, good, "grant_type", "client_credentials", "client_id", "other").WantNot(t)
}

func d8(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	k := vouchsafetest.Keyed()[1]
	assertion := k.Assertion(t, s.AssertionClaims(k.ID()))
	api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 200, "")
	for range 3 {
		api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 401, "invalid_client")
	}
	// The jti of one client does not affect another client's.
	claims := s.AssertionClaims(k.ID())
	claims["jti"] = "shared-" + rand.Text()
	api.ByKey(t, k.Assertion(t, claims), "grant_type", "client_credentials", "scope", "reports:read").Want(t, 200, "")
	other := vouchsafetest.Keyed()[0]
	claims["iss"], claims["sub"] = other.ID(), other.ID()
	api.ByKey(t, other.Assertion(t, claims), "grant_type", "client_credentials", "scope", "reports:read").Want(t, 200, "")
}

func f1Assertions(t *testing.T, s *vouchsafetest.Server) {
	claims := func() map[string]any { return s.AssertionClaims("keyed-RS256") }
	enc := base64.RawURLEncoding.EncodeToString
	payload, err := json.Marshal(claims())
	if err != nil {
		t.Fatal(err)
	}
	k := vouchsafetest.Keyed()[2]
	der, err := x509.MarshalPKIXPublicKey(k.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	head := map[jose.HeaderKey]any{"kid": k.KeyID}
	for name, assertion := range map[string]string{
		"alg none":                  enc([]byte(`{"alg":"none"}`)) + "." + enc(payload) + ".",
		"alg None":                  enc([]byte(`{"alg":"None"}`)) + "." + enc(payload) + ".",
		"no alg":                    enc([]byte(`{}`)) + "." + enc(payload) + ".",
		"HS256 with the public key": vouchsafetest.Sign(t, jose.HS256, der, head, claims()),
		"another curve":             vouchsafetest.Sign(t, jose.ES384, p384, head, claims()),
		"another registered alg":    vouchsafetest.Sign(t, jose.PS256, k.Key, head, claims()),
		"RS512":                     vouchsafetest.Sign(t, jose.RS512, k.Key, head, claims()),
		"another client's key":      vouchsafetest.Sign(t, jose.ES256, vouchsafetest.Keyed()[0].Key, head, claims()),
		"an unknown kid": vouchsafetest.Sign(t, jose.RS256, k.Key,
			map[jose.HeaderKey]any{"kid": "../../etc/passwd"}, claims()),
		"a crit header": vouchsafetest.Sign(t, jose.RS256, k.Key,
			map[jose.HeaderKey]any{"kid": k.KeyID, "crit": []string{"x"}, "x": true}, claims()),
		"an access token's typ": vouchsafetest.Sign(t, jose.RS256, k.Key,
			map[jose.HeaderKey]any{"kid": k.KeyID, "typ": "at+jwt"}, claims()),
	} {
		reply := s.API(t).ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read")
		if reply.Status != 401 || reply.Error() != "invalid_client" {
			t.Errorf("%s: got %d %s, want invalid_client", name, reply.Status, reply.Raw)
		}
	}
}

// f2: the key is the client's registered one, whatever the token says about where to find it.
func f2(t *testing.T, s *vouchsafetest.Server) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := jose.JSONWebKey{Key: key.Public(), KeyID: "mine", Algorithm: "ES256"}
	canary := listen(t)
	for _, head := range []map[jose.HeaderKey]any{
		{"jku": canary.URL}, {"x5u": canary.URL}, {"jwk": public}, {"x5c": []string{"AAAA"}},
		{"kid": "' OR 1=1 --"}, {"kid": canary.URL}, {"kid": "/dev/null"}, {"kid": strings.Repeat("k", 10000)},
	} {
		assertion := vouchsafetest.Sign(t, jose.ES256, key, head, s.AssertionClaims("keyed-ES256"))
		reply := s.API(t).ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read")
		if reply.Status != 401 {
			t.Errorf("header %v: got %d %s, want invalid_client", head, reply.Status, reply.Raw)
		}
	}
	if n := canary.hits.Load(); n != 0 {
		t.Errorf("got %d fetches from where the tokens pointed, want none", n)
	}
}

func l4(t *testing.T, s *vouchsafetest.Server) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.KeyHost.Serve(vouchsafetest.KeySet(key, "current", "ES256"))
	call := func(kid string) *vouchsafetest.Reply {
		assertion := vouchsafetest.Sign(t, jose.ES256, key, map[jose.HeaderKey]any{"kid": kid}, s.AssertionClaims("remote"))
		return s.API(t).ByKey(t, assertion, "grant_type", "client_credentials")
	}
	if reply := call("current"); reply.Status != http.StatusOK {
		t.Fatalf("keys by jwks_uri: got %d %s, want tokens", reply.Status, reply.Raw)
	}
	before, start := s.KeyHost.Fetches.Load(), time.Now()
	for range 50 {
		call("unknown-"+rand.Text()).Want(t, 401, "invalid_client")
	}
	most := 2 + int64(time.Since(start)/(10*time.Second)) // one for each interval
	if got := s.KeyHost.Fetches.Load() - before; got > most {
		t.Errorf("got %d fetches for 50 unknown kids, want one for each interval", got)
	}
	call("current").Want(t, 200, "")
}
