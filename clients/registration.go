package clients

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ReadRegistration returns the client that asks to be registered (RFC 7591 section 2). Members and grant types that
// Vouchsafe does not know are passed over, as the RFC demands; the answer says what was registered. The error is a
// Fault.
func ReadRegistration(text []byte) (storage.Client, error) {
	d := document{}
	if json.Unmarshal(text, &d) != nil || d == nil {
		return storage.Client{}, Fault{"", "the body is not a JSON object"}
	}
	// What a statement says counts before the rest (RFC 7591 section 3.1.1): without it, this would be another client.
	if statement := string(d["software_statement"]); !slices.Contains([]string{"", "null", `""`}, statement) {
		return storage.Client{}, Fault{"software_statement", "isn't of a publisher that is known here: leave it out"}
	}
	for _, member := range []string{"redirect_uris", "post_logout_redirect_uris"} {
		for _, uri := range d.texts(member) {
			if message := redirectFault(true, true, uri); message != "" {
				return storage.Client{}, Fault{member, fmt.Sprintf("%q %s", uri, message)}
			}
		}
	}
	if err := d.keyFault(); err != nil {
		return storage.Client{}, err
	}
	method := d.text("token_endpoint_auth_method")
	if method == "" {
		method = "client_secret_basic" // RFC 7591 section 2
	}
	bySecret := slices.Contains([]string{"client_secret_basic", "client_secret_post"}, method)
	if bySecret {
		d["token_endpoint_auth_method"] = json.RawMessage(`"none"`)
	}
	c, err := d.client()
	if err != nil {
		return c, err
	}
	if bySecret {
		c.TokenEndpointAuthMethod = method
		c.AllowedCORSOrigins = nil // scripts keep no secret
	}
	if !HasJWKS(&c) && c.JWKSURI == "" {
		d.keys(&c) // for signed requests
	}
	if err := readMetadata(&c, text); err != nil {
		return c, err
	}
	c.ClientID = "reg-" + uuid.NewString()
	if faults := Validate(&c); len(faults) > 0 {
		return c, faults[0]
	}
	return c, nil
}

// keyFault returns a Fault if the metadata has keys in two places, or some that cannot be used (RFC 7591 section 2).
func (d document) keyFault() error {
	uri, here := d.text("jwks_uri"), !noJWKS(d["jwks"])
	switch {
	case uri != "" && here:
		return Fault{"jwks_uri", "can't be used together with jwks"}
	case uri != "":
		if message := linkFault(uri, true); message != "" {
			return Fault{"jwks_uri", fmt.Sprintf("%q %s", uri, message)}
		}
	case here:
		if faults := jwksFaults(d["jwks"]); len(faults) > 0 {
			return Fault{"jwks", faults[0]}
		}
	}
	return nil
}

// metadata is what a client may register beside what its document could say (RFC 7591 section 2, OpenID Connect
// Registration section 2).
type metadata struct {
	Contacts                  []string `json:"contacts"`
	ResponseTypes             []string `json:"response_types"`
	SubjectType               string   `json:"subject_type"`
	SectorIdentifierURI       string   `json:"sector_identifier_uri"`
	IDTokenSignedResponseAlg  string   `json:"id_token_signed_response_alg"`
	UserinfoSignedResponseAlg string   `json:"userinfo_signed_response_alg"`
	DefaultMaxAge             *int64   `json:"default_max_age"`
	RequireAuthTime           bool     `json:"require_auth_time"`
	DefaultACRValues          []string `json:"default_acr_values"`
	InitiateLoginURI          string   `json:"initiate_login_uri"`
	RequestObjectSigningAlg   string   `json:"request_object_signing_alg"`
	SignedRequests            bool     `json:"require_signed_request_object"`
	PushedRequests            bool     `json:"require_pushed_authorization_requests"`
	BoundTokens               bool     `json:"dpop_bound_access_tokens"`
	LogoutURI                 string   `json:"backchannel_logout_uri"`
	LogoutSession             bool     `json:"backchannel_logout_session_required"`
	// What a client asks for because it depends on it.
	IDTokenEncryptedResponseAlg  string `json:"id_token_encrypted_response_alg"`
	UserinfoEncryptedResponseAlg string `json:"userinfo_encrypted_response_alg"`
	RequestObjectEncryptionAlg   string `json:"request_object_encryption_alg"`
	CertificateBound             bool   `json:"tls_client_certificate_bound_access_tokens"`
}

// jsonName returns what JSON calls values of the kind.
func jsonName(kind reflect.Kind) string {
	switch kind {
	case reflect.Slice:
		return "a list of strings"
	case reflect.Bool:
		return "true or false"
	case reflect.Int64:
		return "a whole number"
	}
	return "a string"
}

// readMetadata adds the rest of what a client registers. The error is a Fault.
func readMetadata(c *storage.Client, text []byte) error {
	m := metadata{}
	if err := json.Unmarshal(text, &m); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return Fault{wrong.Field, "is a " + wrong.Value + ", and has to be " + jsonName(wrong.Type.Kind())}
		}
		return Fault{"", "the body is not a JSON object"}
	}
	const later = "isn't supported: leave it out"
	switch {
	case m.ResponseTypes != nil && !slices.Contains(m.ResponseTypes, "code"):
		return Fault{"response_types", "lacks code: nothing else is supported"}
	case m.IDTokenEncryptedResponseAlg != "":
		return Fault{"id_token_encrypted_response_alg", later}
	case m.UserinfoEncryptedResponseAlg != "":
		return Fault{"userinfo_encrypted_response_alg", later}
	case m.RequestObjectEncryptionAlg != "":
		return Fault{"request_object_encryption_alg", later}
	case m.CertificateBound:
		return Fault{"tls_client_certificate_bound_access_tokens", later}
	}
	if m.SubjectType == storage.SubjectPublic {
		m.SubjectType = "" // the default, which the answer names: a client that sends it back changes nothing
	}
	c.Contacts, c.SubjectType, c.SectorIdentifierURI = m.Contacts, m.SubjectType, m.SectorIdentifierURI
	c.IDTokenSignedResponseAlg, c.UserinfoSignedResponseAlg = m.IDTokenSignedResponseAlg, m.UserinfoSignedResponseAlg
	c.DefaultMaxAge, c.RequireAuthTime, c.DefaultACRValues = m.DefaultMaxAge, m.RequireAuthTime, m.DefaultACRValues
	c.InitiateLoginURI, c.RequestObjectSigningAlg = m.InitiateLoginURI, m.RequestObjectSigningAlg
	if m.LogoutURI != "" {
		if message := logoutFault(c, m.LogoutURI); message != "" {
			return Fault{"backchannel_logout_uri", fmt.Sprintf("%q %s", m.LogoutURI, message)}
		}
		c.BackchannelLogoutURI, c.BackchannelLogoutSessionRequired = m.LogoutURI, m.LogoutSession
	}
	c.RequireSignedRequestObject = m.SignedRequests // what it can't keep to is refused, and not dropped
	return nil
}

// Register stores a client that registers itself, under a new id. It returns the client, its secret, which is "" if it
// uses none, and its registration access token. Both are shown only here.
func Register(
	ctx context.Context, store storage.Clients, tenant string, c storage.Client, by audit.By,
) (_ storage.Client, made, token string, err error) {
	c.TenantID, c.ClientID = tenant, "reg-"+uuid.NewString()
	d := Declared{Client: c}
	made = d.Complete(nil)
	c.SecretHashes = d.Hashes
	c.CreatedAt = stored(time.Now())
	c.UpdatedAt = c.CreatedAt
	token = "vcr_" + secret.Token()
	c.Outside = &storage.Outside{Origin: storage.OriginRegistration, TokenHash: hashOf(token)}
	return c, made, token, store.SaveClient(ctx, c, nil, by(registrationEvent(storage.EventClientAdded, c)))
}

// Restated returns the client with what c says of it anew, by a registration or by the document at its URL. What an
// administrator has set beside it stays.
func Restated(was, c storage.Client) storage.Client {
	next := was
	next.ClientName, next.ClientURI, next.LogoURI, next.PolicyURI, next.TosURI = c.ClientName, c.ClientURI, c.LogoURI,
		c.PolicyURI, c.TosURI
	next.ApplicationType = c.ApplicationType
	next.RedirectURIs, next.PostLogoutRedirectURIs = c.RedirectURIs, c.PostLogoutRedirectURIs
	next.BackchannelLogoutURI, next.BackchannelLogoutSessionRequired = c.BackchannelLogoutURI,
		c.BackchannelLogoutSessionRequired
	next.GrantTypes, next.ResponseTypes = c.GrantTypes, c.ResponseTypes
	next.TokenEndpointAuthMethod, next.TokenEndpointAuthSigningAlg = c.TokenEndpointAuthMethod,
		c.TokenEndpointAuthSigningAlg
	next.JWKS, next.JWKSURI = c.JWKS, c.JWKSURI
	next.SubjectType, next.SectorIdentifierURI = c.SubjectType, c.SectorIdentifierURI
	next.IDTokenSignedResponseAlg, next.UserinfoSignedResponseAlg = c.IDTokenSignedResponseAlg,
		c.UserinfoSignedResponseAlg
	next.AllowedCORSOrigins = Origins(&was, &c)
	return next
}

// Reregister stores what a registered client says of itself anew (RFC 7592 section 2.2), in place of was, and returns a
// secret if it needs one and had none. The client is not any more what an administrator has allowed.
// storage.ErrStale: it has changed since it was read.
func Reregister(
	ctx context.Context, store storage.Clients, was, c storage.Client, by audit.By,
) (_ storage.Client, made string, err error) {
	next := Restated(was, c)
	next.Contacts = c.Contacts
	next.DefaultMaxAge, next.RequireAuthTime, next.DefaultACRValues = c.DefaultMaxAge, c.RequireAuthTime,
		c.DefaultACRValues
	next.InitiateLoginURI = c.InitiateLoginURI
	next.DPoP, next.RequirePushedAuthorizationRequests = c.DPoP, c.RequirePushedAuthorizationRequests
	next.RequestObjectSigningAlg, next.RequireSignedRequestObject = c.RequestObjectSigningAlg, c.RequireSignedRequestObject
	d := Declared{Client: next}
	made = d.Complete(&was)
	next.SecretHashes = d.Hashes
	if len(Compare(was, next)) == 0 && slices.Equal(was.SecretHashes, next.SecretHashes) {
		return was, "", nil
	}
	if err := Follow(&was, &next); err != nil {
		return was, "", err
	}
	known := *was.Outside
	known.Verdict = ""
	next.Outside, next.UpdatedAt = &known, stored(time.Now())
	return next, made, store.SaveClient(ctx, next, &was, by(registrationEvent(storage.EventClientChanged, next)))
}

// registrationEvent returns what a client did that registers itself.
func registrationEvent(kind string, c storage.Client) storage.Event {
	return storage.Event{TenantID: c.TenantID, Kind: kind, Actor: c.ClientID, ClientID: c.ClientID,
		Detail: map[string]string{"origin": storage.OriginRegistration}}
}

// MatchRegistration reports whether the token is the registration access token of the client.
func MatchRegistration(c *storage.Client, token string) bool {
	return c.Outside != nil && len(c.Outside.TokenHash) > 0 &&
		subtle.ConstantTimeCompare(c.Outside.TokenHash, hashOf(token)) == 1
}

// hashOf returns the SHA-256 of a random value.
func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
