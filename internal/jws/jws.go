// Package jws reads compact JWSs (RFC 7515 section 7.1) in the one spelling that each has.
package jws

import (
	"encoding/base64"
	"errors"
	"strings"
)

var (
	strict = base64.RawURLEncoding.Strict()

	errShape    = errors.New("no compact JWS")
	errSpelling = errors.New("not base64url, or not its only spelling")
)

// Signed is the part of a compact JWS that is signed, its header and payload. A token in
// another spelling than that of RFC 7515 is an error: decoders that skip line breaks or ignore
// spare bits would take many for one, and a count of tokens would count each. The signature is
// no part of what names a token either: an attacker can make a second of an ECDSA signature.
func Signed(token string) (string, error) {
	if strings.Count(token, ".") != 2 || strings.ContainsAny(token, "\r\n") { // which the decoder skips
		return "", errShape
	}
	for part := range strings.SplitSeq(token, ".") {
		if _, err := strict.DecodeString(part); err != nil {
			return "", errSpelling
		}
	}
	return token[:strings.LastIndexByte(token, '.')], nil
}
