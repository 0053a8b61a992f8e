package provider

import (
	"errors"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// errNoToken says that a request brought no access token in a way that is taken.
var errNoToken = errors.New("no access token")

// isToken says whether s may be a bearer token: one or more of ALPHA, DIGIT and -._~+/,
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

// bearerToken is the access token of a request: from the header, or from the form of a
// POST (RFC 6750 sections 2.1 and 2.2). Never from the URL, which ends up in logs and
// histories: OAuth 2.1 section 5.1 forbids it.
func bearerToken(w http.ResponseWriter, r *http.Request) (string, error) {
	header := r.Header.Values("Authorization")
	posted, err := postedTokens(w, r)
	if err != nil {
		return "", err
	}
	if len(header)+len(posted) > 1 || len(header)+len(posted) > 0 && r.URL.Query().Get("access_token") != "" {
		return "", &oauthError{Code: "invalid_request", Description: "Send one access token, in one place."}
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
		return "", &oauthError{Code: "invalid_request", Description: "The access token has characters that none has."}
	}
	return token, nil
}

// postedTokens are the access tokens of a form, if there is one.
func postedTokens(w http.ResponseWriter, r *http.Request) ([]string, error) {
	if r.Method != http.MethodPost || !isForm(r) {
		return nil, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return nil, &oauthError{Status: http.StatusRequestEntityTooLarge, Code: "invalid_request", Description: "The body is too large.", Err: err}
		}
		return nil, &oauthError{Code: "invalid_request", Description: "The body is not a form.", Err: err}
	}
	dropEmpty(r.PostForm)
	return r.PostForm["access_token"], nil
}

// bearerChallenge is the WWW-Authenticate header of an answer to a request without or
// with a bad access token (RFC 6750 section 3). more is what follows the realm.
func bearerChallenge(t *web.Tenant, more string) string {
	return `Bearer realm="` + t.Issuer + `"` + more
}

// bearerError is an answer of RFC 6750 section 3.1.
func bearerError(t *web.Tenant, status int, code, description, more string) error {
	return &oauthError{
		Status: status, Code: code, Description: description,
		Authenticate: bearerChallenge(t, `, error="`+code+`", error_description="`+legible(description)+`"`+more),
	}
}
