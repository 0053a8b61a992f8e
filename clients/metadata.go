package clients

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Bounds of what a client may declare. The record is read at every request and parts of it are
// shown on pages.
const (
	MaxID       = 256  // bytes of a client_id
	MaxURI      = 2048 // bytes of a URI
	maxText     = 256
	maxList     = 64
	maxLifetime = 10 * 365 * 24 * time.Hour
)

// FirstPartyGrant is the grant type of clients that show forms of their own and get tokens over
// the JSON API, or codes at the authorization challenge endpoint. The token endpoint does not know
// it. A client needs it besides first_party, which only skips consent: to be trusted with users'
// passwords is more.
const FirstPartyGrant = "urn:vouchsafe:first-party"

// GrantTypes are those of the token endpoint, in alphabetical order.
var GrantTypes = []string{"authorization_code", "client_credentials", "refresh_token", DeviceGrant, BearerGrant,
	ExchangeGrant}

// DeviceGrant is the grant type of devices without a browser (RFC 8628 section 3.4).
const DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// ExchangeGrant is the grant type by which a client gets a token for another one (RFC 8693 section 2.1), and by which
// an API key becomes an access token: for that no client has to be registered for it.
const ExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"

// BearerGrant is the grant type by which a token of a platform, or of another authorization server, gives an access
// token (RFC 7523 section 2.1).
const BearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// AuthMethods are the ways in which a client can authenticate at the endpoints that programs
// call (token_endpoint_auth_method, OpenID Connect Core section 9).
var AuthMethods = []string{
	"client_secret_basic", "client_secret_post", "private_key_jwt", ByAuthority, BySelfSigned, "none",
}

// The methods of clients that present certificates in TLS (RFC 8705 section 2): one that an authority issued, or one
// with a key that the client has registered.
const (
	ByAuthority  = "tls_client_auth"
	BySelfSigned = "self_signed_tls_client_auth"
)

// ByCertificate reports whether the method is one by which clients authenticate in TLS.
func ByCertificate(method string) bool { return method == ByAuthority || method == BySelfSigned }

// Scopes are those that Vouchsafe gives a meaning to. All are about a user; any other scope is
// between clients and their resource servers.
var Scopes = slices.Concat([]string{"openid"}, claims.Standard.Scopes(), []string{"offline_access"})

// The types of a JWT access token that a client can choose from. The second is that of ID tokens.
const (
	accessTokenTyp = "at+jwt" // RFC 9068 section 2.1
	idTokenTyp     = "JWT"
)

// SigningAlgorithms are those with which Vouchsafe signs what a client gets.
var SigningAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA}

// AssertionAlgorithms are those with which a client may sign its assertions. None has a shared
// key, which a public key could be mistaken for (RFC 8725 section 2.1).
var AssertionAlgorithms = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, Ed25519, jose.PS256, jose.PS384, jose.PS512,
	jose.RS256, jose.RS384, jose.RS512,
}

// FAPIAlgorithms are those with which a client that is held to FAPI 2.0 may sign, and is signed for (section 5.4.1).
var FAPIAlgorithms = []jose.SignatureAlgorithm{jose.PS256, jose.ES256, jose.EdDSA, Ed25519}

// Ed25519 is the name by which RFC 9864 calls EdDSA with the curve Ed25519. It deprecates the older
// name, which does not name the curve, and newer client libraries use it. go-jose does not know it
// yet.
const Ed25519 jose.SignatureAlgorithm = "Ed25519"

// AlgorithmNames returns the algorithms as strings, as metadata documents have them.
func AlgorithmNames(algs []jose.SignatureAlgorithm) []string {
	names := make([]string, len(algs))
	for i, a := range algs {
		names[i] = string(a)
	}
	return names
}

// HasJWKS reports whether the client's record contains public keys.
func HasJWKS(c *storage.Client) bool { return !noJWKS(c.JWKS) }

// noJWKS reports whether a stored JWK set is missing.
func noJWKS(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
