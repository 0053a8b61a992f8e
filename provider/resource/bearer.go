package resource

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
)

// errNoToken says that a request brought no access token in a way that is taken.
var errNoToken = errors.New("no access token")

// isToken reports whether s may be a bearer token: one or more of ALPHA, DIGIT and -._~+/,
// then any number of "=" (b64token, RFC 6750 section 2.1).
func isToken(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~+/", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// credential is the access token that a request brings, and how.
type credential struct {
	token string
	proof bool // by the scheme DPoP, with a proof (RFC 9449 section 7.1)
}

// readHeader reads the value of a header Authorization. It returns errNoToken for schemes of other credentials.
func readHeader(value string) (c credential, err error) {
	scheme, token, _ := strings.Cut(value, " ")
	c.token, c.proof = strings.Trim(token, " "), strings.EqualFold(scheme, "DPoP")
	if !c.proof && !strings.EqualFold(scheme, "Bearer") {
		return c, errNoToken
	}
	return c, nil
}

// broughtToken returns the access token of a request: from the header, or from the form of a
// POST (RFC 6750 sections 2.1 and 2.2). Never from the URL, which ends up in logs and
// histories: OAuth 2.1 section 5.1 forbids it.
func broughtToken(w http.ResponseWriter, r *http.Request) (c credential, err error) {
	header := r.Header.Values("Authorization")
	posted, err := postedTokens(w, r)
	if err != nil {
		return c, err
	}
	if len(header)+len(posted) > 1 || len(header)+len(posted) > 0 && r.URL.Query().Get("access_token") != "" {
		return c, fosite.ErrInvalidRequest.WithDescription("Send the access token once, in one place.")
	}
	switch {
	case len(header) == 1:
		if c, err = readHeader(header[0]); err != nil {
			return c, err
		}
	case len(posted) == 1:
		c.token = posted[0]
	default:
		return c, errNoToken
	}
	if !isToken(c.token) {
		return c, fosite.ErrInvalidRequest.WithDescription("The access token has characters that aren't allowed.")
	}
	return c, nil
}

// headerToken returns the access token of a request that may bring it in the Authorization header only.
func headerToken(r *http.Request) (credential, error) {
	if headers := r.Header.Values("Authorization"); len(headers) == 1 {
		if c, err := readHeader(headers[0]); err == nil && isToken(c.token) {
			return c, nil
		}
	}
	return credential{}, oauth.ErrInvalidToken.WithDescription(
		"Send the access token in one header: Authorization: Bearer.")
}

// checkHolder returns an error unless the holder of the access token sent the request: one that is bound to a
// certificate needs it in TLS (RFC 8705 section 3), and one that is bound to a key needs
// a proof by that key, which it spends. A token that is bound to none counts as a bearer token only, so that nothing
// passes for a proof (RFC 9449 section 7.1).
func (s *Server) checkHolder(r *http.Request, brought credential, token *tokens.AccessClaims) error {
	ctx, key := r.Context(), token.Confirmation.Key()
	if certificate := token.Confirmation.Certificate(); certificate != "" {
		switch shown, err := mtls.ThumbprintOf(r); {
		case err != nil || shown == "":
			return oauth.ErrInvalidToken.WithDescription("The access token is bound to a certificate: present it in TLS, at " +
				"the URL that mtls_endpoint_aliases names.")
		case !mtls.Same(certificate, shown):
			return oauth.ErrInvalidToken.WithDescription("The access token is bound to another certificate.")
		}
	}
	switch {
	case key == "" && !brought.proof:
		return nil
	case key == "":
		return oauth.ErrInvalidToken.WithDescription("The access token isn't bound to a key: send it as a bearer token.")
	case !brought.proof:
		return oauth.ErrInvalidToken.WithDescription("The access token is bound to a key: send it by the scheme DPoP, " +
			"with a proof.").WithWrap(oauth.ErrScheme)
	}
	proof, err := s.Proofs.Read(r, brought.token)
	switch {
	case err != nil:
		return oauth.AtResource(err)
	case !proof.Given():
		err = oauth.ErrInvalidDPoPProof.WithDescription("The proof is missing: send one in the header DPoP.")
	case proof.JKT != key:
		err = oauth.ErrInvalidDPoPProof.WithDescription("The access token is bound to another key than that of the proof.")
	default:
		err = s.Proofs.Spend(ctx, proof)
	}
	return oauth.AtResource(err)
}

// postedTokens returns the access tokens of a form, if there is one.
func postedTokens(w http.ResponseWriter, r *http.Request) ([]string, error) {
	if r.Method != http.MethodPost || !oauth.IsForm(r) {
		return nil, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, oauth.MaxForm)
	if err := r.ParseForm(); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return nil, oauth.ErrTooLarge.WithWrap(err)
		}
		return nil, fosite.ErrInvalidRequest.WithDescription("The body is not a form.").WithWrap(err)
	}
	oauth.DropEmpty(r.PostForm)
	return r.PostForm["access_token"], nil
}

// authenticateHeader returns the WWW-Authenticate header of an answer to a request with a bad access
// token, or without one when e is nil (RFC 6750 section 3, RFC 9728 section 5.1).
func authenticateHeader(t *issuer.Tenant, e *fosite.RFC6749Error) string {
	if e != nil && oauth.ByProof(e) {
		return oauth.DPoPChallenge(t, e)
	}
	header := `Bearer realm="` + t.Issuer + `", resource_metadata="` + t.ResourceMetadataURL("") + `"`
	if e == nil {
		return header
	}
	header += `, error="` + e.ErrorField + `", error_description="` + oauth.Legible(oauth.Description(e)) + `"`
	if e.ErrorField == oauth.ErrInsufficientScope.ErrorField {
		header += `, scope="openid"`
	}
	return header
}

// invalidToken returns the one error for access tokens that do not work, and tells the log why.
func invalidToken(ctx context.Context, why string) error {
	web.Note(ctx, "why", why)
	return oauth.ErrInvalidToken.WithDescription("The access token has expired, was revoked, or isn't an access " +
		"token of this server.")
}
