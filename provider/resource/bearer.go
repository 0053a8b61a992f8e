package resource

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
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

// bearerToken returns the access token of a request: from the header, or from the form of a
// POST (RFC 6750 sections 2.1 and 2.2). Never from the URL, which ends up in logs and
// histories: OAuth 2.1 section 5.1 forbids it.
func bearerToken(w http.ResponseWriter, r *http.Request) (string, error) {
	header := r.Header.Values("Authorization")
	posted, err := postedTokens(w, r)
	if err != nil {
		return "", err
	}
	if len(header)+len(posted) > 1 || len(header)+len(posted) > 0 && r.URL.Query().Get("access_token") != "" {
		return "", fosite.ErrInvalidRequest.WithDescription("Send the access token once, in one place.")
	}
	token := ""
	switch {
	case len(header) == 1:
		scheme, value, _ := strings.Cut(header[0], " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", errNoToken
		}
		token = strings.Trim(value, " ")
	case len(posted) == 1:
		token = posted[0]
	default:
		return "", errNoToken
	}
	if !isToken(token) {
		return "", fosite.ErrInvalidRequest.WithDescription("The access token has characters that aren't allowed.")
	}
	return token, nil
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
