package provider

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
// generation lives.

const (
	// refreshPrefix lets scanners of leaked secrets know one.
	refreshPrefix = "vrt_"
	// maxRefreshToken bounds what is looked at: 4 + 36 + 1 + 19 + 1 + 43.
	maxRefreshToken = 104
)

// strictBase64 refuses spellings that differ in unused bits only. It skips line
// breaks: look for them first.
var strictBase64 = base64.RawURLEncoding.Strict()

var errRefreshToken = errors.New("no refresh token of this tenant")

// refreshTaken is what a refresh token says.
type refreshTaken struct {
	grantID    string
	generation int64
}

func (r refreshTaken) String() string {
	return refreshPrefix + r.grantID + "." + strconv.FormatInt(r.generation, 10)
}

// refreshToken is the grant's token of that generation: always the same.
func (p *Provider) refreshToken(tenant, grantID string, gen int64) string {
	signed := refreshTaken{grantID, gen}.String()
	return signed + "." + strictBase64.EncodeToString(p.Secrets.Box(tenant, secret.RefreshToken).MAC([]byte(signed)))
}

// openRefreshToken reads what refreshToken wrote, in that spelling alone. Whether the
// grant lives is not looked up.
func (p *Provider) openRefreshToken(tenant, token string) (grantID string, gen int64, err error) {
	if len(token) > maxRefreshToken || !strings.HasPrefix(token, refreshPrefix) || strings.ContainsAny(token, "\r\n") {
		return "", 0, errRefreshToken
	}
	parts := strings.Split(token[len(refreshPrefix):], ".")
	if len(parts) != 3 {
		return "", 0, errRefreshToken
	}
	id, err := uuid.Parse(parts[0])
	if err != nil {
		return "", 0, errRefreshToken
	}
	gen, err = strconv.ParseInt(parts[1], 10, 64)
	if err != nil || gen < 1 {
		return "", 0, errRefreshToken
	}
	mac, err := strictBase64.DecodeString(parts[2])
	if err != nil {
		return "", 0, errRefreshToken
	}
	// Written again, an id or a number that was spelt otherwise would differ.
	signed := refreshTaken{id.String(), gen}.String()
	if !strings.HasPrefix(token, signed+".") || !p.Secrets.Box(tenant, secret.RefreshToken).VerifyMAC([]byte(signed), mac) {
		return "", 0, errRefreshToken
	}
	return id.String(), gen, nil
}
