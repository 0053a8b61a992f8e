package clients

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

// IsURL reports whether an id may be the URL of a client's metadata.
func IsURL(id string) bool {
	return strings.HasPrefix(id, "https://") || strings.HasPrefix(id, "http://")
}

// URLFault returns what is wrong with the id of a client that is the URL of its metadata, or ""
// (draft-ietf-oauth-client-id-metadata-document section 2). http is for loopback addresses, which only servers that may
// call private addresses reach.
func URLFault(id string) string {
	if len(id) > MaxID {
		return "is too long"
	}
	if message := linkFault(id, true); message != "" {
		return message
	}
	_, rest, _ := strings.Cut(id, "://")
	_, path, ok := strings.Cut(rest, "/")
	if !ok {
		return "has no path"
	}
	path, _, _ = strings.Cut(path, "?")
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return "has . or .. in its path"
		}
	}
	return ""
}

// document is what is read of a client's metadata. What else there is, is passed over.
type document map[string]json.RawMessage

// text returns a member that is a text, or "".
func (d document) text(name string) (s string) {
	if json.Unmarshal(d[name], &s) != nil {
		return ""
	}
	return s
}

// texts returns a member that is a list of texts, or nil.
func (d document) texts(name string) (all []string) {
	if json.Unmarshal(d[name], &all) != nil {
		return nil
	}
	return all
}

// ReadDocument returns the client that a metadata document describes. id is the URL that the document was read from.
//
// What Vouchsafe does not know or support is passed over, as are optional members that it would refuse of other
// clients: editors list grant types and redirect URIs for all servers. The error is a Fault: the document is of another
// client, describes none that could sign users in, or has a shared secret.
func ReadDocument(id string, text []byte) (storage.Client, error) {
	d := document{}
	if json.Unmarshal(text, &d) != nil || d == nil {
		return storage.Client{}, Fault{"client_id", "is missing: the document is not a JSON object"}
	}
	if d.text("client_id") != id {
		return storage.Client{}, Fault{"client_id", "isn't the URL of the document"}
	}
	for _, member := range []string{"client_secret", "client_secret_expires_at"} {
		if _, ok := d[member]; ok {
			return storage.Client{}, Fault{member, "is public in such a document: remove it"}
		}
	}
	c, err := d.client()
	if err != nil {
		return c, err
	}
	c.ClientID = id
	d.ofUsers(&c)
	if uri := d.text("backchannel_logout_uri"); uri != "" && logoutFault(&c, uri) == "" {
		c.BackchannelLogoutURI = uri
		c.BackchannelLogoutSessionRequired = d.flag("backchannel_logout_session_required")
	}
	if faults := Validate(&c); len(faults) > 0 {
		return c, faults[0]
	}
	return c, nil
}

// client returns what the metadata says of the client, but for its id.
func (d document) client() (c storage.Client, err error) {
	if c.GrantTypes = d.grantTypes(); !c.MayUse("authorization_code") {
		return c, Fault{"grant_types", "lacks authorization_code"}
	}
	if c.RedirectURIs = usable(d.texts("redirect_uris")); len(c.RedirectURIs) == 0 {
		return c, Fault{"redirect_uris", "has no address that users could return to"}
	}
	c.PostLogoutRedirectURIs = usable(d.texts("post_logout_redirect_uris"))
	c.SchemesWithoutDot = true
	if slices.ContainsFunc(c.RedirectURIs, ofDevice) || slices.ContainsFunc(c.PostLogoutRedirectURIs, ofDevice) {
		c.ApplicationType = "native"
	}
	if err := d.authentication(&c); err != nil {
		return c, err
	}
	if c.Public() {
		c.AllowedCORSOrigins = webOrigins(&c)
	}
	d.demands(&c)
	d.about(&c)
	return c, nil
}

// flag returns a member that is true or false.
func (d document) flag(name string) (is bool) { return json.Unmarshal(d[name], &is) == nil && is }

// demands sets what the client demands of its own requests and tokens (RFC 9101 section 10.5, RFC 9126 section 6, RFC
// 9449 section 5.2).
func (d document) demands(c *storage.Client) {
	if d.flag("dpop_bound_access_tokens") {
		c.DPoP = storage.DPoPRequire
	}
	c.RequirePushedAuthorizationRequests = d.flag("require_pushed_authorization_requests")
	alg := d.text("request_object_signing_alg")
	if !slices.Contains(AssertionAlgorithms, jose.SignatureAlgorithm(alg)) {
		alg = ""
	}
	signs := d.flag("require_signed_request_object")
	if (signs || alg != "") && (HasJWKS(c) || c.JWKSURI != "" || d.keys(c)) {
		c.RequireSignedRequestObject, c.RequestObjectSigningAlg = signs, alg
	}
}

// usable returns the redirect URIs that a client may have, each once. Others are left out: documents list addresses for
// all servers, some with wildcards.
func usable(uris []string) (all []string) {
	for _, uri := range uris {
		if redirectFault(true, true, uri) == "" && !slices.Contains(all, uri) && len(all) < maxList {
			all = append(all, uri)
		}
	}
	return all
}

// ofDevice reports whether a redirect URI leads to a program on the user's device.
func ofDevice(uri string) bool {
	u, message := parseURI(uri)
	return message == "" && (u.Scheme != "https" && u.Scheme != "http" || loopbackHost(u.Hostname()))
}

// grantTypes returns the grant types that outside clients can use, of those that the metadata names; both if it names
// none.
func (d document) grantTypes() (all []string) {
	asked := d.texts("grant_types")
	for _, g := range []string{"authorization_code", "refresh_token"} {
		if asked == nil || slices.Contains(asked, g) {
			all = append(all, g)
		}
	}
	return all
}

// authentication sets how the client authenticates: by a key that it publishes, or not at all. The metadata names one
// method, and may name others that would do (OpenID Connect Relying Party Metadata Choices 1.0).
func (d document) authentication(c *storage.Client) error {
	methods := append([]string{d.text("token_endpoint_auth_method")}, d.texts("token_endpoint_auth_methods_supported")...)
	if methods[0] == "" {
		methods[0] = "none"
	}
	for _, method := range methods {
		switch {
		case method == "private_key_jwt" && d.keys(c):
			alg := d.text("token_endpoint_auth_signing_alg")
			if slices.Contains(AssertionAlgorithms, jose.SignatureAlgorithm(alg)) {
				c.TokenEndpointAuthSigningAlg = alg
			}
		case method == "none":
		default:
			continue
		}
		c.TokenEndpointAuthMethod = method
		return nil
	}
	return Fault{"token_endpoint_auth_method", "is none that a client without registration can use: write none, or " +
		"private_key_jwt with jwks_uri"}
}

// keys sets the client's public keys, and reports whether there are any.
func (d document) keys(c *storage.Client) bool {
	if uri := d.text("jwks_uri"); uri != "" && linkFault(uri, true) == "" {
		c.JWKSURI = uri
		return true
	}
	if raw := d["jwks"]; !noJWKS(raw) && len(jwksFaults(raw)) == 0 {
		c.JWKS = raw
		return true
	}
	return false
}

// ofUsers sets by what the client knows users, and how what it learns of them is signed.
func (d document) ofUsers(c *storage.Client) {
	if d.text("subject_type") == storage.SubjectPairwise {
		c.SubjectType = storage.SubjectPairwise
	}
	if uri := d.text("sector_identifier_uri"); uri != "" && linkFault(uri, true) == "" {
		c.SectorIdentifierURI = uri
	}
	for member, to := range map[string]*string{"id_token_signed_response_alg": &c.IDTokenSignedResponseAlg,
		"userinfo_signed_response_alg": &c.UserinfoSignedResponseAlg} {
		if alg := d.text(member); slices.Contains(SigningAlgorithms, jose.SignatureAlgorithm(alg)) {
			*to = alg
		}
	}
}

// logoutFault returns what is wrong with the backchannel_logout_uri of an outside client, or "". Servers post to it:
// its host is that of the client's document, or the one to which all of a registered client's web addresses lead. No
// such client has servers post to another's host beside its own.
func logoutFault(c *storage.Client, uri string) string {
	if message := linkFault(uri, true); message != "" {
		return message
	}
	u, _ := parseURI(uri)
	own := c.RedirectURIs
	if IsURL(c.ClientID) {
		own = []string{c.ClientID}
	}
	leads := false
	for _, uri := range own {
		r, message := parseURI(uri)
		if message != "" || r.Scheme != "https" {
			continue
		}
		if r.Host != u.Host {
			return "has another host than the client's own addresses: write one of theirs"
		}
		leads = true
	}
	if !leads {
		return "has a host to which none of the redirect URIs leads: write one of theirs"
	}
	return ""
}

// webOrigins returns the origins of the pages to which users return, each once: their scripts may call the endpoints.
// Those have no cookies, so that another site which names such an origin in its own registration gains nothing.
func webOrigins(c *storage.Client) (all []string) {
	for _, uri := range c.RedirectURIs {
		u, message := parseURI(uri)
		if message != "" {
			continue
		}
		if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
			u.Host = strings.TrimSuffix(u.Host, ":"+port)
		}
		origin := u.Scheme + "://" + u.Host
		if originFault(false, origin) == "" && !slices.Contains(all, origin) {
			all = append(all, origin)
		}
	}
	return all
}

// Origins returns the origins whose scripts may call the endpoints for a client that describes itself anew: those of
// its redirect URIs, and those that an administrator has added to was.
func Origins(was, now *storage.Client) (all []string) {
	own := webOrigins(was)
	for _, origin := range was.AllowedCORSOrigins {
		if !slices.Contains(own, origin) {
			all = append(all, origin)
		}
	}
	for _, origin := range now.AllowedCORSOrigins {
		if !slices.Contains(all, origin) {
			all = append(all, origin)
		}
	}
	return all
}

// about sets what the metadata says to users, as far as pages can show it.
func (d document) about(c *storage.Client) {
	if name := strings.TrimSpace(d.text("client_name")); len(name) <= maxText &&
		!strings.ContainsFunc(name, storage.Misleading) {
		c.ClientName = name
	}
	for member, to := range map[string]*string{"client_uri": &c.ClientURI, "logo_uri": &c.LogoURI,
		"policy_uri": &c.PolicyURI, "tos_uri": &c.TosURI} {
		if uri := d.text(member); uri != "" && linkFault(uri, false) == "" {
			*to = uri
		}
	}
}
