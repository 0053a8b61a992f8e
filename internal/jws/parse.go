package jws

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// ErrInvalid says that a token cannot be believed: it does not parse, no known key signed it, or
// it is of another kind. It says no more; what wraps it is for the log.
var ErrInvalid = errors.New("the token is not valid")

// MaxLength bounds what is parsed at all. Ours have about 1 KiB, an ID token with all
// claims of a person a few.
const MaxLength = 16 << 10

// Parse reads a JWS in compact form that names one of the algorithms. It is not
// verified yet. Nothing else is read: no JWE (which may unpack to anything), no JSON
// form. Keys that the header brings or points to (jwk, jku, x5c, x5u) are never
// looked at (RFC 8725 section 3.10).
func Parse(token string, algs []jose.SignatureAlgorithm) (*jose.JSONWebSignature, error) {
	if len(token) > MaxLength {
		return nil, fmt.Errorf("%w: %d bytes are too many", ErrInvalid, len(token))
	}
	if _, err := Signed(token); err != nil { // go-jose would take other spellings
		return nil, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	parsed, err := jose.ParseSignedCompact(token, algs)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	return parsed, nil
}

// Type is the typ of a parsed JWT as RFC 8725 section 3.11 compares it: in lower
// case and without "application/". It is "" when there is none.
func Type(token *jose.JSONWebSignature) string {
	typ, _ := token.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string)
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}
