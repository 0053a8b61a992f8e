package tokens

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// A refresh token is "vrt_grant.generation.MAC". Nothing of it is secret but that the
// MAC was made here, so that nothing of it has to be stored: the grant's row says which
// Generation lives.

const (
	// RefreshPrefix lets scanners of leaked secrets know one.
	RefreshPrefix = "vrt_"
	// maxRefreshToken bounds what is looked at: 4 + 36 + 1 + 19 + 1 + 43.
	maxRefreshToken = 104
)

// strictBase64 refuses spellings that differ in unused bits only. It skips line
// breaks: look for them first.
var strictBase64 = base64.RawURLEncoding.Strict()

var ErrRefreshToken = errors.New("no refresh token of this tenant")

// RefreshToken is what a refresh token says.
type RefreshToken struct {
	GrantID    string
	Generation int64
}

func (r RefreshToken) String() string {
	return RefreshPrefix + r.GrantID + "." + strconv.FormatInt(r.Generation, 10)
}

// RefreshToken is the grant's token of that generation: always the same.
func (m *Maker) RefreshToken(tenant, grantID string, gen int64) string {
	signed := RefreshToken{grantID, gen}.String()
	return signed + "." + strictBase64.EncodeToString(m.Secrets.Box(tenant, secret.RefreshToken).MAC([]byte(signed)))
}

// OpenRefreshToken reads what refreshToken wrote, in that spelling alone. Whether the
// grant lives is not looked up.
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
	// Written again, an id or a number that was spelt otherwise would differ.
	signed := RefreshToken{id.String(), gen}.String()
	if !strings.HasPrefix(token, signed+".") || !m.Secrets.Box(tenant, secret.RefreshToken).VerifyMAC([]byte(signed), mac) {
		return "", 0, ErrRefreshToken
	}
	return id.String(), gen, nil
}
