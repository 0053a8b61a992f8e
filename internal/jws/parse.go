package jws

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// ErrInvalid means that a token must not be trusted: it does not parse, no known key signed it, or
// it is of another type. The error shown to clients says no more. What wraps it is for the log.
var ErrInvalid = errors.New("the token is not valid")

// MaxLength bounds the tokens that are parsed, in bytes. Our own have about 1 KiB, and an ID token
// with all claims of a user a few KiB.
const MaxLength = 16 << 10

// Parse reads a compact JWS whose header names one of the algorithms. It does not verify the
// signature. It reads no other form: no JWE, which may unpack to any size, and no JSON form. It
// ignores keys that the header contains or points to (jwk, jku, x5c, x5u; RFC 8725 section 3.10).
func Parse(token string, algs []jose.SignatureAlgorithm) (*jose.JSONWebSignature, error) {
	if len(token) > MaxLength {
		return nil, fmt.Errorf("%w: %d bytes are too many", ErrInvalid, len(token))
	}
	if _, err := Signed(token); err != nil { // go-jose would accept other spellings
		return nil, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	parsed, err := jose.ParseSignedCompact(token, algs)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	return parsed, nil
}

// Type returns the typ of a parsed JWT in the form that RFC 8725 section 3.11 compares: in lower
// case and without "application/". It returns "" if there is no typ.
func Type(token *jose.JSONWebSignature) string {
	typ, _ := token.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string)
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}
