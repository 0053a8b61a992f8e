package provider

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/jws"
)

// errTokenInvalid says that a token is not one of ours, not of the kind asked for,
// or past its time. It deliberately says no more to whoever brought it; what wraps
// it is for the log.
var errTokenInvalid = errors.New("the token is not valid")

// strictBase64 refuses spellings that differ in unused bits only. It skips line
// breaks: look for them first.
var strictBase64 = base64.RawURLEncoding.Strict()

// maxJWT bounds what is parsed at all. Ours have about 1 KiB, an ID token with all
// claims of a person a few.
const maxJWT = 16 << 10

// parseJWT reads a JWS in compact form that names one of the algorithms. It is not
// verified yet. Nothing else is read: no JWE (which may unpack to anything), no JSON
// form. Keys that the header brings or points to (jwk, jku, x5c, x5u) are never
// looked at (RFC 8725 section 3.10).
func parseJWT(token string, algs []jose.SignatureAlgorithm) (*jose.JSONWebSignature, error) {
	if len(token) > maxJWT {
		return nil, fmt.Errorf("%w: %d bytes are too many", errTokenInvalid, len(token))
	}
	if _, err := jws.Signed(token); err != nil { // go-jose would take other spellings
		return nil, fmt.Errorf("%w: %v", errTokenInvalid, err)
	}
	parsed, err := jose.ParseSignedCompact(token, algs)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errTokenInvalid, err)
	}
	return parsed, nil
}

// jwtType is the typ of a parsed JWT as RFC 8725 section 3.11 compares it: in lower
// case and without "application/". It is "" when there is none.
func jwtType(jws *jose.JSONWebSignature) string {
	typ, _ := jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string)
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}
