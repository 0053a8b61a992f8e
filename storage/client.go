package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Client is an application known to a tenant. The fields are named as in RFC 7591
// and OpenID Connect Registration; those below "ours" are Vouchsafe's own.
// clients.Validate fills the defaults and says what is wrong.
type Client struct {
	TenantID string `json:"-" yaml:"-"`

	ClientID               string   `json:"client_id" yaml:"client_id"`
	ClientName             string   `json:"client_name,omitempty" yaml:"client_name,omitempty"`
	ClientURI              string   `json:"client_uri,omitempty" yaml:"client_uri,omitempty"`
	LogoURI                string   `json:"logo_uri,omitempty" yaml:"logo_uri,omitempty"`
	PolicyURI              string   `json:"policy_uri,omitempty" yaml:"policy_uri,omitempty"`
	TosURI                 string   `json:"tos_uri,omitempty" yaml:"tos_uri,omitempty"`
	Contacts               []string `json:"contacts,omitempty" yaml:"contacts,omitempty"`
	ApplicationType        string   `json:"application_type,omitempty" yaml:"application_type,omitempty"` // web or native
	RedirectURIs           []string `json:"redirect_uris,omitempty" yaml:"redirect_uris,omitempty"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty" yaml:"post_logout_redirect_uris,omitempty"`
	// BackchannelLogoutURI is told when a session ends in which the client took part (OpenID Connect Back-Channel Logout
	// 1.0). BackchannelLogoutSessionRequired says that the client needs to know which session; it always does.
	BackchannelLogoutURI             string   `json:"backchannel_logout_uri,omitempty" yaml:"backchannel_logout_uri,omitempty"`
	BackchannelLogoutSessionRequired bool     `json:"backchannel_logout_session_required,omitempty" yaml:"backchannel_logout_session_required,omitempty"`
	GrantTypes                       []string `json:"grant_types,omitempty" yaml:"grant_types,omitempty"`
	ResponseTypes                    []string `json:"response_types,omitempty" yaml:"response_types,omitempty"`
	Scope                            string   `json:"scope,omitempty" yaml:"scope,omitempty"` // space-separated: all it may ask for
	// TokenEndpointAuthMethod is the one way in which the client proves itself; "" allows
	// its secret in either place, client_secret_basic or client_secret_post.
	TokenEndpointAuthMethod     string          `json:"token_endpoint_auth_method,omitempty" yaml:"token_endpoint_auth_method,omitempty"`
	TokenEndpointAuthSigningAlg string          `json:"token_endpoint_auth_signing_alg,omitempty" yaml:"token_endpoint_auth_signing_alg,omitempty"`
	JWKS                        json.RawMessage `json:"jwks,omitempty" yaml:"-"` // {"keys":[…]}
	JWKSURI                     string          `json:"jwks_uri,omitempty" yaml:"jwks_uri,omitempty"`
	// RequestObjectSigningAlg is the only algorithm by which it may sign its authorization requests; "" allows all.
	RequestObjectSigningAlg   string `json:"request_object_signing_alg,omitempty" yaml:"request_object_signing_alg,omitempty"`
	IDTokenSignedResponseAlg  string `json:"id_token_signed_response_alg,omitempty" yaml:"id_token_signed_response_alg,omitempty"`
	UserinfoSignedResponseAlg string `json:"userinfo_signed_response_alg,omitempty" yaml:"userinfo_signed_response_alg,omitempty"`
	// SubjectType is how the client knows users (OpenID Connect Core section 8): "public" (the default), by their ids; or
	// "pairwise", by identifiers that no client of another sector sees.
	SubjectType string `json:"subject_type,omitempty" yaml:"subject_type,omitempty"`
	// SectorIdentifierURI names the sector of a pairwise client by its host.
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty" yaml:"sector_identifier_uri,omitempty"`
	// seconds
	DefaultMaxAge    *int64   `json:"default_max_age,omitempty" yaml:"default_max_age,omitempty"`
	RequireAuthTime  bool     `json:"require_auth_time,omitempty" yaml:"require_auth_time,omitempty"`
	DefaultACRValues []string `json:"default_acr_values,omitempty" yaml:"default_acr_values,omitempty"`
	InitiateLoginURI string   `json:"initiate_login_uri,omitempty" yaml:"initiate_login_uri,omitempty"`

	// Ours.

	// FirstParty clients belong to the operator: they skip the consent page.
	FirstParty bool `json:"first_party,omitempty" yaml:"first_party,omitempty"`
	// Allow says which users may use the client; every user of the tenant when empty.
	Allow ClientAllow `json:"allow,omitzero" yaml:"allow,omitempty"`
	// SecondFactor says when the client requires a second factor: enrolled (of users who have one) or
	// always. The tenant's own rule applies in any case.
	SecondFactor string `json:"second_factor,omitempty" yaml:"second_factor,omitempty"`
	// SchemesWithoutDot allows custom schemes without a dot in the redirect URIs of a native app: vscode, cursor.
	SchemesWithoutDot bool `json:"schemes_without_dot,omitempty" yaml:"schemes_without_dot,omitempty"`
	// RequirePKCE refuses authorization requests without PKCE. Public clients always need it.
	RequirePKCE *bool `json:"require_pkce,omitempty" yaml:"require_pkce,omitempty"`
	// RequirePushedAuthorizationRequests refuses authorization requests that the client did not push (RFC 9126 section
	// 6).
	RequirePushedAuthorizationRequests bool `json:"require_pushed_authorization_requests,omitempty" yaml:"require_pushed_authorization_requests,omitempty"`
	// RequireSignedRequestObject refuses authorization requests that are not signed (RFC 9101 section 10.5).
	RequireSignedRequestObject bool `json:"require_signed_request_object,omitempty" yaml:"require_signed_request_object,omitempty"`
	// Profile is ProfileFAPI2 for a client that is held to the FAPI 2.0 Security Profile; "" for none.
	Profile string `json:"profile,omitempty" yaml:"profile,omitempty"`
	// AuthorizationSignedResponseAlg signs the responses of the authorization endpoint that it wants signed (JARM), and
	// IntrospectionSignedResponseAlg those of introspection (RFC 9701); "" stands for what signs its ID tokens.
	AuthorizationSignedResponseAlg string `json:"authorization_signed_response_alg,omitempty" yaml:"authorization_signed_response_alg,omitempty"`
	IntrospectionSignedResponseAlg string `json:"introspection_signed_response_alg,omitempty" yaml:"introspection_signed_response_alg,omitempty"`
	// DPoP says whether its tokens are bound to the key of its proofs (RFC 9449): DPoPOff, DPoPRequire, or DPoPAllow for
	// those that it sends a proof for, which is the default.
	DPoP string `json:"dpop,omitempty" yaml:"dpop,omitempty"`
	// CertificateBound binds its access tokens to the certificate that it presents in TLS (RFC 8705 section 3.4).
	CertificateBound bool `json:"tls_client_certificate_bound_access_tokens,omitempty" yaml:"tls_client_certificate_bound_access_tokens,omitempty"`
	// What the certificate of a client with tls_client_auth names: one of them (RFC 8705 section 2.1.2).
	CertificateDN    string `json:"tls_client_auth_subject_dn,omitempty" yaml:"tls_client_auth_subject_dn,omitempty"`
	CertificateDNS   string `json:"tls_client_auth_san_dns,omitempty" yaml:"tls_client_auth_san_dns,omitempty"`
	CertificateURI   string `json:"tls_client_auth_san_uri,omitempty" yaml:"tls_client_auth_san_uri,omitempty"`
	CertificateIP    string `json:"tls_client_auth_san_ip,omitempty" yaml:"tls_client_auth_san_ip,omitempty"`
	CertificateEmail string `json:"tls_client_auth_san_email,omitempty" yaml:"tls_client_auth_san_email,omitempty"`
	// AccessTokenFormat is "jwt" (RFC 9068, the default) or "opaque".
	AccessTokenFormat string `json:"access_token_format,omitempty" yaml:"access_token_format,omitempty"`
	// AccessTokenTyp is the typ of its JWT access tokens: "at+jwt" (RFC 9068, the default), or
	// "JWT" for resource servers that know no other.
	AccessTokenTyp string `json:"access_token_typ,omitempty" yaml:"access_token_typ,omitempty"`
	// AllowedCORSOrigins are the origins whose scripts may call the endpoints.
	AllowedCORSOrigins []string `json:"allowed_cors_origins,omitempty" yaml:"allowed_cors_origins,omitempty"`
	// Audience is the aud of its access tokens; the issuer when empty.
	Audience []string `json:"audience,omitempty" yaml:"audience,omitempty"`
	// IDTokenClaims puts the claims of the granted scopes into the ID token, not only into
	// what userinfo answers. It is true unless the client switches it off.
	IDTokenClaims *bool `json:"id_token_claims,omitempty" yaml:"id_token_claims,omitempty"`
	// Claims are rows that the client adds to the table of claims, for itself.
	Claims []ClaimRule `json:"claims,omitempty" yaml:"claims,omitempty"`
	// MayIntrospect lets the client introspect tokens of other clients of its tenant.
	MayIntrospect bool `json:"may_introspect,omitempty" yaml:"may_introspect,omitempty"`
	// MayAct are the ids of the clients that may exchange its access tokens for others, with which they act for the same
	// subject (RFC 8693). The client itself may, and one that is in the audience of a token.
	MayAct []string `json:"may_act,omitempty" yaml:"may_act,omitempty"`
	// Workloads say whose tokens authenticate the client, in the place of a secret or beside it.
	Workloads []Workload `json:"workloads,omitempty" yaml:"workloads,omitempty"`
	// Lifetimes; zero means the server's default.
	AccessTokenLifetime Duration `json:"access_token_lifetime,omitempty" yaml:"access_token_lifetime,omitempty"`
	IDTokenLifetime     Duration `json:"id_token_lifetime,omitempty" yaml:"id_token_lifetime,omitempty"`
	// absolute
	RefreshTokenLifetime Duration `json:"refresh_token_lifetime,omitempty" yaml:"refresh_token_lifetime,omitempty"`
	// since last use
	RefreshTokenIdleLifetime Duration `json:"refresh_token_idle_lifetime,omitempty" yaml:"refresh_token_idle_lifetime,omitempty"`
	// RefreshTokenRotation is true unless a confidential client switches it off.
	RefreshTokenRotation *bool `json:"refresh_token_rotation,omitempty" yaml:"refresh_token_rotation,omitempty"`

	Disabled bool `json:"disabled,omitempty" yaml:"disabled,omitempty"`

	// SecretHashes hold what client_secret is compared with: "sha256$…" for secrets
	// that Vouchsafe made, "$argon2id$…" for those that an administrator chose.
	SecretHashes []string `json:"-" yaml:"-"`
	// Declared says that the client came from a clients file, and may be removed by one.
	Declared bool `json:"-" yaml:"-"`
	// Outside is what is known of a client that no administrator added; nil of all others.
	Outside   *Outside  `json:"-" yaml:"-"`
	CreatedAt time.Time `json:"-" yaml:"-"`
	UpdatedAt time.Time `json:"-" yaml:"-"`
}

// Values of Client.DPoP.
const (
	DPoPOff     = "off"
	DPoPAllow   = "allow"
	DPoPRequire = "require"
)

// ProfileFAPI2 is the value of Client.Profile for the FAPI 2.0 Security Profile.
const ProfileFAPI2 = "fapi2"

// FAPI2 reports whether the client is held to the FAPI 2.0 Security Profile. What it demands counts beside what the
// client is registered with.
func (c *Client) FAPI2() bool { return c.Profile == ProfileFAPI2 }

// NeedsProof reports whether all tokens of the client are bound to the key of its proofs.
func (c *Client) NeedsProof() bool { return c.DPoP == DPoPRequire || c.FAPI2() && !c.CertificateBound }

// BoundTokens reports whether the client gets no access tokens but those that are bound to a key or a certificate.
func (c *Client) BoundTokens() bool { return c.NeedsProof() || c.CertificateBound }

// NeedsPushed reports whether the client has to push its authorization requests.
func (c *Client) NeedsPushed() bool { return c.RequirePushedAuthorizationRequests || c.FAPI2() }

// Rotates reports whether the client's refresh tokens are replaced at each use. A public client's always are: nothing
// else would show that one was stolen (OAuth 2.1 section 4.3.1). FAPI 2.0 section 5.3.2.1 wants it of no other.
func (c *Client) Rotates() bool {
	if c.RefreshTokenRotation == nil {
		return c.Public() || !c.FAPI2()
	}
	return c.Public() || *c.RefreshTokenRotation
}

// Public reports whether the client has no credentials of its own.
func (c *Client) Public() bool { return c.TokenEndpointAuthMethod == "none" }

// Pairwise reports whether the client knows users by identifiers of its sector.
func (c *Client) Pairwise() bool { return c.SubjectType == SubjectPairwise }

// NeedsPKCE reports whether the client's authorization requests must have a code challenge.
func (c *Client) NeedsPKCE() bool {
	return c.Public() || c.FAPI2() || c.RequirePKCE != nil && *c.RequirePKCE
}

// Scopes is Scope as a list.
func (c *Client) Scopes() []string { return strings.Fields(c.Scope) }

// MayUse reports whether the grant type is registered for the client.
func (c *Client) MayUse(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// Values of Client.SubjectType.
const (
	SubjectPublic   = "public"
	SubjectPairwise = "pairwise"
)

// Clients keeps the clients.
type Clients interface {
	Client(ctx context.Context, tenant, id string) (Client, error)
	// Clients lists clients by id, at most limit after the given id.
	Clients(ctx context.Context, tenant, after string, limit int) ([]Client, error)
	// PutClient stores the client, new or not. CreatedAt of a stored one is kept. The events of this
	// and every other change here are recorded if and only if it happens.
	PutClient(ctx context.Context, c Client, events ...Event) error
	// SaveClient is PutClient in place of a client that was read: ErrStale if it has changed or is gone since. With
	// was nil the client is new: ErrExists if there is one of that id.
	SaveClient(ctx context.Context, c Client, was *Client, events ...Event) error
	// NoteOutside stores now in place of was, which was read from the client, unless that has been replaced meanwhile. It
	// is no change of the client. Histories.Prune deletes outside clients that are not used.
	NoteOutside(ctx context.Context, tenant, id string, was, now Outside) error
	// RemoveClient deletes the client with its consents and grants. All of it has stopped
	// working when it returns; of what is large some rows go later (Removals). A client that
	// is stored under the same name since has nothing to do with them.
	RemoveClient(ctx context.Context, tenant, id string, now time.Time, events ...Event) error
	// AllowsOrigin reports whether an enabled client of the tenant registered the origin.
	AllowsOrigin(ctx context.Context, tenant, origin string) (bool, error)
	// DeclaresAlgorithm reports whether a client of the tenant, enabled or not, declares the
	// algorithm for what is signed for it: its ID tokens or its userinfo. It reads the clients
	// one by one.
	DeclaresAlgorithm(ctx context.Context, tenant, alg string) (bool, error)
}

// Duration is a time.Duration that is written "1h30m" in files.
type Duration time.Duration

// UnmarshalText reads what time.ParseDuration reads; negative values are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q isn't a duration: write, for example, 15m or 720h", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes "1h30m0s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Or is d, or the given default when d is zero.
func (d Duration) Or(def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return time.Duration(d)
}

// ClientAllow says which users may use a client: all that is not empty must hold for them.
type ClientAllow struct {
	// Groups are ids of groups: the user must be in one of them.
	Groups []string `json:"groups,omitempty" yaml:"groups,omitempty"`
	// EmailDomains are domains: the user's address must be verified and of one of them.
	EmailDomains []string `json:"email_domains,omitempty" yaml:"email_domains,omitempty"`
	// VerifiedEmail demands a verified address.
	VerifiedEmail bool `json:"verified_email,omitempty" yaml:"verified_email,omitempty"`
}

// Reasons why a user may not use a client.
const (
	RefusedUnverified = "unverified" // the address is not verified
	RefusedDomain     = "domain"     // the address is of another domain
	RefusedGroup      = "group"      // the user is in none of the groups
)

// All reports whether every user of the tenant may use the client.
func (a *ClientAllow) All() bool {
	return len(a.Groups) == 0 && len(a.EmailDomains) == 0 && !a.VerifiedEmail
}

// Refusal returns why the user may not use the client, or "". groups are those of the user; they are not looked at
// if the client names none. An address counts only if it is verified: an attacker can sign up with an address of
// a domain that is not theirs.
func (a *ClientAllow) Refusal(u *User, groups []string) string {
	if (a.VerifiedEmail || len(a.EmailDomains) > 0) && !u.EmailVerified {
		return RefusedUnverified
	}
	if len(a.EmailDomains) > 0 {
		domain := u.EmailKey[strings.LastIndexByte(u.EmailKey, '@')+1:]
		if !slices.Contains(a.EmailDomains, domain) {
			return RefusedDomain
		}
	}
	in := func(id string) bool { return slices.Contains(a.Groups, id) }
	if len(a.Groups) > 0 && !slices.ContainsFunc(groups, in) {
		return RefusedGroup
	}
	return ""
}

// Values of Outside.Origin: where a client comes from that no administrator added.
const (
	OriginDocument     = "document"     // its id is the URL of its metadata
	OriginRegistration = "registration" // it has registered itself (RFC 7591)
)

// Values of Outside.Verdict: what an administrator has said of a client.
const (
	VerdictAllowed = "allowed" // it is what it says, whatever the tenant's rule
	VerdictDenied  = "denied"  // it is disabled
)

// KeepOutside is how long an outside client stays that no user has allowed, unless an administrator has said something
// of it.
const KeepOutside = 3 * 24 * time.Hour

// Outside is what is known of a client that no administrator added.
type Outside struct {
	Origin  string `json:"-"` // OriginDocument or OriginRegistration
	Verdict string `json:"-"` // VerdictAllowed, VerdictDenied or ""

	// ReadAt is when the document was read last, FreshUntil when it is read again, and AskedAt when it was last asked
	// for. Fault is why it could not be read then; "" if it was. Broken says that it could, and is no document any more.
	ReadAt     time.Time `json:"read_at,omitzero"`
	FreshUntil time.Time `json:"fresh_until,omitzero"`
	AskedAt    time.Time `json:"asked_at,omitzero"`
	Fault      string    `json:"fault,omitempty"`
	Broken     bool      `json:"broken,omitempty"`

	// TokenHash is the SHA-256 of the registration access token (RFC 7592).
	TokenHash []byte `json:"token_hash,omitempty"`
}

// Workload is a trust entry of a client: tokens of a platform, such as those of a Kubernetes service account or of a CI
// job, that authenticate the client in the place of a secret (RFC 7523 section 3, RFC 7521 section 4.2). The platform
// signs them, and what runs on it has no secret of its own.
type Workload struct {
	// Issuer is the iss of the tokens. spiffe://TRUST-DOMAIN stands for JWT-SVIDs of that domain, which may have any iss
	// or none.
	Issuer string `json:"issuer" yaml:"issuer"`
	// JWKS or JWKSURI has the issuer's public keys.
	JWKS    json.RawMessage `json:"jwks,omitempty" yaml:"-"`
	JWKSURI string          `json:"jwks_uri,omitempty" yaml:"jwks_uri,omitempty"`
	// Audience are the values that aud may have; the issuer of the tenant or its token endpoint when empty.
	Audience []string `json:"audience,omitempty" yaml:"audience,omitempty"`
	// Claims are conditions, all of which have to be met, by the name of the claim or its JSON pointer (RFC 6901). In a
	// value, * stands for any characters but / and :, and ** for any.
	Claims map[string]string `json:"claims" yaml:"claims"`
}
