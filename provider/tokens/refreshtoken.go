package tokens

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// A refresh token is "vrt_GRANT.GENERATION.MAC", or "vrt_GRANT.GENERATION.JKT.MAC" if it is bound to a key, or
// "vrt_GRANT.GENERATION.~X5T.MAC" if it is bound to a certificate. Only the MAC is unpredictable, and it is made from
// the rest, so that no token has to be stored: the row of the grant says which generation is valid. All tokens of a
// grant are bound as the first.

const (
	// RefreshPrefix begins a refresh token. Scanners for leaked secrets recognise it.
	RefreshPrefix = "vrt_"
	// jktLength is the length of a thumbprint by SHA-256 in base64url.
	jktLength = 43
	// certificateMark stands before the thumbprint of a certificate.
	certificateMark = "~"
	// maxRefreshToken is the length of the longest token: 4 + 36 + 1 + 19 + 1 + 44 + 1 + 43.
	maxRefreshToken = 149
)

// strictBase64 refuses base64 with bits set that are not used. It does skip line breaks, which must
// be refused before.
var strictBase64 = base64.RawURLEncoding.Strict()

// ErrRefreshToken means that a text is not a refresh token of the tenant.
var ErrRefreshToken = errors.New("no refresh token of this tenant")

// RefreshToken is the content of a refresh token.
type RefreshToken struct {
	GrantID    string
	Generation int64
	JKT        string // the thumbprint of the key that it is bound to, or ""
	X5T        string // the thumbprint of the certificate that it is bound to, or "": it is bound to one of the two
}

// String returns the part of the token that its MAC covers.
func (r RefreshToken) String() string {
	s := RefreshPrefix + r.GrantID + "." + strconv.FormatInt(r.Generation, 10)
	switch {
	case r.JKT != "":
		s += "." + r.JKT
	case r.X5T != "":
		s += "." + certificateMark + r.X5T
	}
	return s
}

// RefreshToken returns the token of that content. It is always the same.
func (m *Maker) RefreshToken(tenant string, r RefreshToken) string {
	signed := r.String()
	return signed + "." + strictBase64.EncodeToString(m.Secrets.Box(tenant, secret.RefreshToken).MAC([]byte(signed)))
}

// OpenRefreshToken reads the result of Maker.RefreshToken, in that spelling only. It does not look
// up whether the grant is alive.
func (m *Maker) OpenRefreshToken(tenant, token string) (r RefreshToken, err error) {
	if len(token) > maxRefreshToken || !strings.HasPrefix(token, RefreshPrefix) || strings.ContainsAny(token, "\r\n") {
		return r, ErrRefreshToken
	}
	parts := strings.Split(token[len(RefreshPrefix):], ".")
	switch {
	case len(parts) == 3:
	case len(parts) == 4 && len(parts[2]) == jktLength:
		r.JKT = parts[2]
	case len(parts) == 4 && len(parts[2]) == jktLength+1 && strings.HasPrefix(parts[2], certificateMark):
		r.X5T = parts[2][1:]
	default:
		return r, ErrRefreshToken
	}
	id, err := uuid.Parse(parts[0])
	if err != nil {
		return r, ErrRefreshToken
	}
	r.Generation, err = strconv.ParseInt(parts[1], 10, 64)
	if err != nil || r.Generation < 1 {
		return r, ErrRefreshToken
	}
	mac, err := strictBase64.DecodeString(parts[len(parts)-1])
	if err != nil {
		return r, ErrRefreshToken
	}
	// An id or a number that was spelt otherwise differs from its canonical form.
	r.GrantID = id.String()
	signed := r.String()
	if !strings.HasPrefix(token, signed+".") ||
		!m.Secrets.Box(tenant, secret.RefreshToken).VerifyMAC([]byte(signed), mac) {
		return r, ErrRefreshToken
	}
	return r, nil
}
