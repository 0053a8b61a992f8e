package clients

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Fault says what is wrong with one field of a client, and what to write instead.
type Fault struct{ Field, Message string }

// Error returns the field and the message.
func (e Fault) Error() string { return e.Field + ": " + e.Message }

// Validate fills the defaults of RFC 7591 section 2 and OpenID Connect Registration section 2, and
// returns all that is wrong. A client without faults is safe to store and to serve: the protocol relies
// on that and does not check again.
func Validate(c *storage.Client) []Fault {
	fillDefaults(c)
	v := &clientChecks{Client: c}
	v.identity()
	v.texts()
	v.grants()
	v.scopes()
	v.authentication()
	v.fapi()
	v.workloads()
	v.algorithms()
	v.uris()
	v.origins()
	v.sector()
	v.lifetimes()
	v.claims()
	v.allow()
	return v.faults
}

// fillDefaults sets the fields that have a default and are empty.
func fillDefaults(c *storage.Client) {
	def := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	def(&c.ApplicationType, "web")
	def(&c.AccessTokenFormat, "jwt")
	if c.FAPI2() {
		def(&c.IDTokenSignedResponseAlg, string(jose.ES256))
	}
	def(&c.IDTokenSignedResponseAlg, string(jose.RS256))
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []string{"authorization_code"}
	}
	if len(c.ResponseTypes) == 0 && c.MayUse("authorization_code") {
		c.ResponseTypes = []string{"code"}
	}
	if strings.TrimSpace(c.Scope) == "" && (c.MayUse("authorization_code") || c.MayUse(FirstPartyGrant)) {
		c.Scope = strings.Join(slices.Concat(Scopes, claims.RulesOf(nil, c).Scopes()), " ")
	}
	var scopes []string
	for _, s := range c.Scopes() {
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	c.Scope = strings.Join(scopes, " ")
}

// clientChecks collects what is wrong with a client.
type clientChecks struct {
	*storage.Client
	faults []Fault
}

// fault adds a fault of the field.
func (v *clientChecks) fault(field, format string, args ...any) {
	v.faults = append(v.faults, Fault{field, fmt.Sprintf(format, args...)})
}

// oneOf reports a value that is not in the list.
func (v *clientChecks) oneOf(field, value string, list []string) {
	if !slices.Contains(list, value) {
		v.fault(field, "%q is not known: write one of %s", value, strings.Join(list, ", "))
	}
}

// clientIDForm matches ids of clients.
var clientIDForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~:/@+-]*$`)

// actors are what the audit trail says of who acted, beside the ids of users and clients: the command line, and a
// user who is not known. No client may pass for them.
var actors = []string{"cli", "anonymous", "setup"}

// identity checks the id, the type of application and what tokens it gets.
func (v *clientChecks) identity() {
	id := v.ClientID
	switch {
	case id == "":
		v.fault("client_id", "is missing: write a name, such as my-app")
	case len(id) > MaxID:
		v.fault("client_id", "has %d characters: write at most %d", len(id), MaxID)
	case !clientIDForm.MatchString(id):
		v.fault("client_id", "%q has a character that is not allowed: write letters, digits and . _ ~ : / @ + -, a "+
			"letter or digit first", id)
	}
	if slices.Contains(actors, id) {
		v.fault("client_id", "%q stands in the audit trail for another actor: write another name", id)
	}
	// The sub of a client's own tokens is its id (RFC 9068 section 2.2). It must never be that of a
	// user, which is a UUID of version 7 (RFC 9700 section 4.15).
	if u, err := uuid.Parse(id); err == nil && u.Version() == 7 {
		v.fault("client_id", "%q is a UUID of version 7, like the ids of users: write another name, or a random UUID", id)
	}
	v.oneOf("application_type", v.ApplicationType, []string{"web", "native"})
	v.accessTokens()
	if v.DPoP != "" {
		v.oneOf("dpop", v.DPoP, []string{storage.DPoPOff, storage.DPoPAllow, storage.DPoPRequire})
	}
	if v.SecondFactor != "" {
		v.oneOf("second_factor", v.SecondFactor,
			[]string{storage.SecondFactorNever, storage.SecondFactorEnrolled, storage.SecondFactorAlways})
	}
}

// accessTokens checks the format and the type of access tokens.
func (v *clientChecks) accessTokens() {
	v.oneOf("access_token_format", v.AccessTokenFormat, []string{"jwt", "opaque"})
	if v.AccessTokenTyp == "" {
		return
	}
	v.oneOf("access_token_typ", v.AccessTokenTyp, []string{accessTokenTyp, idTokenTyp})
	switch {
	case v.AccessTokenFormat == "opaque":
		v.fault("access_token_typ", "isn't used with access_token_format opaque: remove one of them")
	case v.AccessTokenTyp == idTokenTyp && slices.Contains(v.Audience, v.ClientID):
		v.fault("access_token_typ", "is that of ID tokens, and audience names the client itself: its access tokens would "+
			"pass for ID tokens. Write %s, or another audience", accessTokenTyp)
	}
}

// texts checks the fields that are free text.
func (v *clientChecks) texts() {
	v.text("client_name", v.ClientName)
	v.list("contacts", v.Contacts, v.text)
	v.list("default_acr_values", v.DefaultACRValues, v.word)
	v.list("audience", v.Audience, v.word)
	v.list("may_act", v.MayAct, func(field, id string) {
		if len(id) > MaxID || !clientIDForm.MatchString(id) {
			v.fault(field, "%q is no client_id: write that of the client that may exchange the access tokens", id)
		}
	})
}

// text reports what cannot be shown in a line: control characters, and characters that make a name
// look different from how it is written.
func (v *clientChecks) text(field, s string) {
	switch {
	case len(s) > maxText:
		v.fault(field, "has %d bytes: write at most %d", len(s), maxText)
	case strings.ContainsFunc(s, storage.Misleading):
		v.fault(field, "%q has a control character, or is not UTF-8: remove it", s)
	}
}

// word reports what cannot stand in a list that is separated by spaces.
func (v *clientChecks) word(field, s string) {
	if s == "" || len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		v.fault(field, "%q is not a word: write visible ASCII characters without spaces, at most %d", s, maxText)
	}
}

// list reports a list that is too long or has an element twice, and checks each element.
func (v *clientChecks) list(field string, values []string, check func(field, value string)) {
	if len(values) > maxList {
		v.fault(field, "has %d entries: write at most %d", len(values), maxList)
		return
	}
	for i, s := range values {
		if slices.Contains(values[:i], s) {
			v.fault(field, "%q appears twice: remove one", s)
			continue
		}
		check(field, s)
	}
}

// grants checks the grant types and what each of them needs.
func (v *clientChecks) grants() {
	known := append(slices.Clone(GrantTypes), FirstPartyGrant)
	v.list("grant_types", v.GrantTypes, func(field, g string) {
		switch g {
		case "implicit", "password":
			v.fault(field, "%q is not part of OAuth 2.1: write authorization_code, which is used with PKCE", g)
		default:
			v.oneOf(field, g, known)
		}
	})
	if v.MayUse(FirstPartyGrant) && !v.FirstParty {
		v.fault("grant_types", "%s is for the operator's own clients, which see users' passwords: set "+
			"first_party, or remove it", FirstPartyGrant)
	}
	if v.MayUse("refresh_token") && !v.MayUse("authorization_code") && !v.MayUse(FirstPartyGrant) &&
		!v.MayUse(DeviceGrant) {
		v.fault("grant_types", "refresh_token gives nothing by itself: add authorization_code, or remove it")
	}
	v.list("response_types", v.ResponseTypes, func(field, t string) {
		if t != "code" {
			v.fault(field, "%q is not supported: write code", t)
		}
	})
	if len(v.ResponseTypes) > 0 && !v.MayUse("authorization_code") {
		v.fault("response_types", "needs the grant type authorization_code: add it to grant_types, or remove response_types")
	}
	if v.MayUse("authorization_code") && len(v.RedirectURIs) == 0 {
		v.fault("redirect_uris", "is missing: write where users come back to, such as https://app.example.com/callback")
	}
}

// scopes checks scope and default_max_age.
func (v *clientChecks) scopes() {
	if len(v.Scope) > MaxURI {
		v.fault("scope", "has %d characters: write at most %d", len(v.Scope), MaxURI)
	}
	for _, s := range v.Scopes() {
		if !storage.IsScope(s) {
			v.fault("scope", "%q has a character that is not allowed: write visible ASCII without \" and \\", s)
		}
	}
	if v.DefaultMaxAge != nil && *v.DefaultMaxAge < 0 {
		v.fault("default_max_age", "%d is below zero: write a number of seconds, or remove it", *v.DefaultMaxAge)
	}
}

// claims checks the rows that the client adds to the table of claims.
func (v *clientChecks) claims() {
	faults := claims.Check(v.Claims)
	for _, f := range faults {
		v.fault("claims."+f.Path, "%s", f.Message)
	}
	if len(faults) > 0 {
		return // further faults would only follow from these
	}
	rules := claims.RulesOf(nil, v.Client)
	for i, r := range v.Claims {
		switch scope := rules.ScopeOf(r.Claim); {
		case scope == "" && rules.AboutUsers(r.Claim) && !v.FirstParty:
			v.fault(fmt.Sprintf("claims.%d.scope", i), "is missing: users consent to scopes. Write one, such as scope: %s, or "+
				"set first_party for a client of your own", r.From)
		case !v.FirstParty && !claims.Covers(scope, &r):
			v.fault(fmt.Sprintf("claims.%d.scope", i), "users who consent to %s don't know that the app sees %s: write a scope "+
				"that says so, or set first_party for a client of your own", scope, r.From)
		case scope != "" && !slices.Contains(v.Scopes(), scope):
			v.fault(fmt.Sprintf("claims.%d.scope", i), "%s isn't among the client's scope: add it there", scope)
		}
	}
}

// authentication checks the authentication method and the keys or secrets that it needs.
func (v *clientChecks) authentication() {
	method := v.TokenEndpointAuthMethod
	if method != "" {
		v.oneOf("token_endpoint_auth_method", method, AuthMethods)
	}
	if v.Public() {
		v.public()
	}
	if len(v.SecretHashes) > 0 && method != "" && !strings.HasPrefix(method, "client_secret_") {
		v.fault("client_secret", "is not used with token_endpoint_auth_method %s: remove it, or write client_secret_basic",
			method)
	}
	if !noJWKS(v.JWKS) {
		if v.JWKSURI != "" {
			v.fault("jwks_uri", "can't be used together with jwks: write one of them")
		}
		for _, message := range jwksFaults(v.JWKS) {
			v.fault("jwks", "%s", message)
		}
	} else if v.JWKSURI == "" && (method == "private_key_jwt" && len(v.Workloads) == 0 || method == BySelfSigned) {
		v.fault("jwks", "is missing: %s needs the client's public keys; write jwks, or jwks_uri", method)
	}
	v.certificate()
}

// certificate checks what the certificate of a client with tls_client_auth names (RFC 8705 section 2.1.2).
func (v *clientChecks) certificate() {
	var given []string
	for _, name := range []struct{ field, value string }{
		{"tls_client_auth_subject_dn", v.CertificateDN}, {"tls_client_auth_san_dns", v.CertificateDNS},
		{"tls_client_auth_san_uri", v.CertificateURI}, {"tls_client_auth_san_ip", v.CertificateIP},
		{"tls_client_auth_san_email", v.CertificateEmail},
	} {
		if name.value == "" {
			continue
		}
		given = append(given, name.field)
		if len(name.value) > MaxURI {
			v.fault(name.field, "has %d characters: write at most %d", len(name.value), MaxURI)
		}
	}
	switch by := v.TokenEndpointAuthMethod == ByAuthority; {
	case by && len(given) == 0:
		v.fault("tls_client_auth_subject_dn", "is missing: tls_client_auth needs the name that the client's certificate "+
			"has; write it here, or into tls_client_auth_san_dns, _uri, _ip or _email")
	case by && len(given) > 1:
		v.fault(given[1], "can't be used together with %s: write one of them (RFC 8705 section 2.1.2)", given[0])
	case !by && len(given) > 0:
		v.fault(given[0], "is for tls_client_auth: remove it, or set token_endpoint_auth_method to that")
	}
	if v.CertificateDN != "" {
		if _, err := ParseDN(v.CertificateDN); err != nil {
			v.fault("tls_client_auth_subject_dn", "%q is no name as RFC 4514 writes it, such as CN=app,O=Example,C=DE: %s",
				v.CertificateDN, err)
		}
	}
	if v.CertificateIP != "" && net.ParseIP(v.CertificateIP) == nil {
		v.fault("tls_client_auth_san_ip", "%q is no IP address: write one such as 192.0.2.1", v.CertificateIP)
	}
}

// public reports what only a client with credentials may have.
func (v *clientChecks) public() {
	off := func(b *bool) bool { return b != nil && !*b }
	for _, g := range []string{"client_credentials", ExchangeGrant, BearerGrant} {
		if v.MayUse(g) {
			v.fault("grant_types", "%s needs a client that can authenticate: remove it, or set "+
				"token_endpoint_auth_method to other than none", g)
		}
	}
	if off(v.RequirePKCE) {
		v.fault("require_pkce", "cannot be false for a client without credentials: nothing else protects its codes (RFC "+
			"9700 section 2.1.1)")
	}
	if off(v.RefreshTokenRotation) {
		v.fault("refresh_token_rotation",
			"cannot be false for a client without credentials: nothing else shows that a token was stolen (RFC "+
				"9700 section 4.14.2)")
	}
	if v.MayIntrospect {
		v.fault("may_introspect", "needs a client that can authenticate: remove it, or set "+
			"token_endpoint_auth_method to other than none")
	}
}

// algorithms checks the signing algorithms.
func (v *clientChecks) algorithms() {
	v.algorithm("id_token_signed_response_alg", v.IDTokenSignedResponseAlg, SigningAlgorithms)
	if v.UserinfoSignedResponseAlg != "" {
		v.algorithm("userinfo_signed_response_alg", v.UserinfoSignedResponseAlg, SigningAlgorithms)
	}
	if v.AuthorizationSignedResponseAlg != "" {
		v.algorithm("authorization_signed_response_alg", v.AuthorizationSignedResponseAlg, SigningAlgorithms)
	}
	if v.IntrospectionSignedResponseAlg != "" {
		v.algorithm("introspection_signed_response_alg", v.IntrospectionSignedResponseAlg, SigningAlgorithms)
	}
	v.requestObjects()
	if v.TokenEndpointAuthSigningAlg != "" {
		v.algorithm("token_endpoint_auth_signing_alg", v.TokenEndpointAuthSigningAlg, AssertionAlgorithms)
		if v.TokenEndpointAuthMethod != "private_key_jwt" {
			v.fault("token_endpoint_auth_signing_alg",
				"is for private_key_jwt: remove it, or set token_endpoint_auth_method to that")
		}
	}
}

// requestObjects checks how the client signs its authorization requests (RFC 9101 section 10.5).
func (v *clientChecks) requestObjects() {
	if v.RequestObjectSigningAlg != "" {
		v.algorithm("request_object_signing_alg", v.RequestObjectSigningAlg, AssertionAlgorithms)
	}
	switch keys := HasJWKS(v.Client) || v.JWKSURI != ""; {
	case keys:
	case v.RequireSignedRequestObject:
		v.fault("require_signed_request_object", "needs the client's public keys: write jwks or jwks_uri")
	case v.RequestObjectSigningAlg != "":
		v.fault("request_object_signing_alg", "needs the client's public keys: write jwks or jwks_uri")
	}
}

// algorithm checks that a field names one of the known algorithms, or none.
func (v *clientChecks) algorithm(field, alg string, known []jose.SignatureAlgorithm) {
	v.oneOf(field, alg, AlgorithmNames(known))
}

// uris checks redirect URIs and the addresses that consent and sign-in pages show.
func (v *clientChecks) uris() {
	redirect := func(field, uri string) {
		if message := redirectFault(v.ApplicationType == "native", v.SchemesWithoutDot, uri); message != "" {
			v.fault(field, "%q %s", uri, message)
		}
	}
	v.list("redirect_uris", v.RedirectURIs, redirect)
	v.list("post_logout_redirect_uris", v.PostLogoutRedirectURIs, redirect)
	for _, link := range []struct {
		field, uri string
		loopback   bool // http to this machine is good enough
	}{
		{"client_uri", v.ClientURI, false},
		{"logo_uri", v.LogoURI, false},
		{"policy_uri", v.PolicyURI, false},
		{"tos_uri", v.TosURI, false},
		{"initiate_login_uri", v.InitiateLoginURI, false},
		{"jwks_uri", v.JWKSURI, true},
		{"backchannel_logout_uri", v.BackchannelLogoutURI, true},
	} {
		if link.uri == "" {
			continue
		}
		if message := linkFault(link.uri, link.loopback); message != "" {
			v.fault(link.field, "%q %s", link.uri, message)
		}
	}
	if v.BackchannelLogoutSessionRequired && v.BackchannelLogoutURI == "" {
		v.fault("backchannel_logout_session_required", "is about backchannel_logout_uri: write that, or remove it")
	}
}

// origins checks the origins whose scripts may call the endpoints.
func (v *clientChecks) origins() {
	v.list("allowed_cors_origins", v.AllowedCORSOrigins, func(field, origin string) {
		if message := originFault(v.ApplicationType == "native", origin); message != "" {
			v.fault(field, "%q %s", origin, message)
		}
	})
}

// lifetimes checks the lifetimes of tokens.
func (v *clientChecks) lifetimes() {
	for _, l := range []struct {
		field string
		value storage.Duration
		most  time.Duration
	}{
		// An API that verifies a token without introspection does not learn that it was revoked.
		{"access_token_lifetime", v.AccessTokenLifetime, 24 * time.Hour},
		{"id_token_lifetime", v.IDTokenLifetime, 24 * time.Hour},
		{"refresh_token_lifetime", v.RefreshTokenLifetime, maxLifetime},
		{"refresh_token_idle_lifetime", v.RefreshTokenIdleLifetime, maxLifetime},
	} {
		switch d := time.Duration(l.value); {
		case d == 0:
		case d < time.Second || d%time.Second != 0:
			v.fault(l.field, "%s isn't in whole seconds: write, for example, 10m", d)
		case d > l.most:
			v.fault(l.field, "%s is too long: write at most %s", d, l.most)
		}
	}
	if idle, all := v.RefreshTokenIdleLifetime, v.RefreshTokenLifetime; idle > 0 && all > 0 && idle > all {
		v.fault("refresh_token_idle_lifetime", "is longer than refresh_token_lifetime: write less, or remove it")
	}
}
