package tokens

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// A refresh token is "vrt_GRANT.GENERATION.MAC". Only the MAC is unpredictable, and it is made from
// the rest, so that no token has to be stored: the row of the grant says which generation is valid.

const (
	// RefreshPrefix begins a refresh token. Scanners for leaked secrets recognise it.
	RefreshPrefix = "vrt_"
	// maxRefreshToken is the length of the longest token: 4 + 36 + 1 + 19 + 1 + 43.
	maxRefreshToken = 104
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
}

// String returns the part of the token that its MAC covers.
func (r RefreshToken) String() string {
	return RefreshPrefix + r.GrantID + "." + strconv.FormatInt(r.Generation, 10)
}

// RefreshToken returns the grant's token of that generation. It is always the same.
func (m *Maker) RefreshToken(tenant, grantID string, gen int64) string {
	signed := RefreshToken{grantID, gen}.String()
	return signed + "." + strictBase64.EncodeToString(m.Secrets.Box(tenant, secret.RefreshToken).MAC([]byte(signed)))
}

// OpenRefreshToken reads the result of Maker.RefreshToken, in that spelling only. It does not look
// up whether the grant is alive.
func (m *Maker) OpenRefreshToken(tenant, token string) (grantID string, gen int64, err error) {
	if len(token) > maxRefreshToken || !strings.HasPrefix(token, RefreshPrefix) || strings.ContainsAny(token, "\r\n") {
		return "", 0, ErrRefreshToken
	}
	parts := strings.Split(token[len(RefreshPrefix):], ".")
	if len(parts) != 3 {
		return "", 0, ErrRefreshToken
	}
	id, err := uuid.Parse(parts[0])
	if err != nil {
		return "", 0, ErrRefreshToken
	}
	gen, err = strconv.ParseInt(parts[1], 10, 64)
	if err != nil || gen < 1 {
		return "", 0, ErrRefreshToken
	}
	mac, err := strictBase64.DecodeString(parts[2])
	if err != nil {
		return "", 0, ErrRefreshToken
	}
	// An id or a number that was spelt otherwise differs from its canonical form.
	signed := RefreshToken{id.String(), gen}.String()
	if !strings.HasPrefix(token, signed+".") ||
		!m.Secrets.Box(tenant, secret.RefreshToken).VerifyMAC([]byte(signed), mac) {
		return "", 0, ErrRefreshToken
	}
	return id.String(), gen, nil
}
