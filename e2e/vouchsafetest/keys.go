package vouchsafetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// KeyedClient is a client that authenticates by private_key_jwt.
type KeyedClient struct {
	Client
	Key       crypto.Signer
	Algorithm jose.SignatureAlgorithm
	KeyID     string
}

// Keyed returns clients with a key of each kind. Their public keys are in clients.yaml.
var Keyed = sync.OnceValue(func() []KeyedClient {
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // the machine has no source of randomness
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	var out []KeyedClient
	for _, k := range []struct {
		key crypto.Signer
		alg jose.SignatureAlgorithm
	}{{ecKey, jose.ES256}, {edKey, jose.EdDSA}, {rsaKey, jose.RS256}} {
		id := "keyed-" + string(k.alg)
		out = append(out, KeyedClient{
			Client: Web.With(Client{
				"client_id": id, "client_secret": nil,
				"grant_types":                     append([]string{"client_credentials"}, codeAndRefresh...),
				"scope":                           allScopes + " reports:read",
				"token_endpoint_auth_method":      "private_key_jwt",
				"token_endpoint_auth_signing_alg": string(k.alg),
				"jwks":                            KeySet(k.key, id+"-key", string(k.alg)),
			}),
			Key: k.key, Algorithm: k.alg, KeyID: id + "-key",
		})
	}
	return out
})

// Careful returns a client with a key that is held to the FAPI 2.0 Security Profile.
var Careful = sync.OnceValue(func() KeyedClient {
	k := Keyed()[0]
	k.Client = k.With(Client{"client_id": "careful", "profile": "fapi2", "grant_types": codeAndRefresh,
		"redirect_uris": []string{"https://careful.example.com/cb"}, "id_token_signed_response_alg": "ES256",
		"post_logout_redirect_uris":         []string{"https://careful.example.com/bye"},
		"authorization_signed_response_alg": "ES256"})
	return k
})

// PrivateJWK returns the client's key as a JWK, for a library in another language.
func (k KeyedClient) PrivateJWK(t testing.TB) string {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: k.Key, KeyID: k.KeyID, Algorithm: string(k.Algorithm), Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Assertion returns a client assertion with these claims.
func (k KeyedClient) Assertion(t testing.TB, claims map[string]any) string {
	t.Helper()
	return Sign(t, k.Algorithm, k.Key, map[jose.HeaderKey]any{"kid": k.KeyID}, claims)
}

// ByKey posts the assertion to the token endpoint.
func (a *API) ByKey(t testing.TB, assertion string, pairs ...string) *Reply {
	t.Helper()
	form := Values(append([]string{"client_assertion_type", AssertionType, "client_assertion", assertion}, pairs...)...)
	r := a.Form(t, "/token", form)
	CheckToken(t, r)
	return r
}

// remote returns the client whose keys the host serves.
func (h *KeyHost) remote() Client {
	return Service.With(Client{
		"client_id": "remote", "client_secret": nil,
		"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
		"jwks_uri": h.URL,
	})
}

// Declared returns the clients that every server starts with.
func Declared() []Client {
	all := []Client{Web, Other, Post, Strict, Public, Native, LocalWeb, Third, Several, Opaque, Service, ServiceBasic,
		ServicePost, Inspector, Signed, Lean, TV, Console, Disabled, Brief, CodeOnly}
	for _, k := range Keyed() {
		all = append(all, k.Client)
	}
	return append(all, Careful().Client)
}
