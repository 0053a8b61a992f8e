// Package jws reads compact JWSs (RFC 7515 section 7.1), and accepts only one spelling of each.
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

// Signed returns the part of a compact JWS that is signed: its header and payload. It returns an
// error if the token is spelled otherwise than RFC 7515 says. Decoders that skip line breaks or
// ignore unused bits would accept many spellings of one token, and a count of tokens would count
// each. The signature cannot identify a token either, because an attacker can derive a second valid
// signature from one of ECDSA.
func Signed(token string) (string, error) {
	if strings.Count(token, ".") != 2 || strings.ContainsAny(token, "\r\n") { // the decoder skips line breaks
		return "", errShape
	}
	for part := range strings.SplitSeq(token, ".") {
		if _, err := strict.DecodeString(part); err != nil {
			return "", errSpelling
		}
	}
	return token[:strings.LastIndexByte(token, '.')], nil
}
