package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
)

// verifyPKCE checks a code verifier against the S256 code challenge of the authorization request (RFC
// 7636 section 4.6). A verifier where no challenge was is refused too: the client meant to be
// protected, and an attacker took the challenge away (RFC 9700 section 4.8.2).
func verifyPKCE(challenge, verifier string) error {
	switch {
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		return errors.New("code_verifier without a code_challenge before")
	case len(verifier) < 43 || len(verifier) > 128:
		return errors.New("code_verifier is missing or not of 43 to 128 characters")
	case strings.ContainsFunc(verifier, func(r rune) bool { return !unreserved(r) }):
		return errors.New("code_verifier has characters that are not allowed")
	}
	sum := sha256.Sum256([]byte(verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) != 1 {
		return errors.New("code_verifier does not match")
	}
	return nil
}

// unreserved reports whether r is one of the unreserved characters of RFC 3986 section 2.3.
func unreserved(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~", r)
}
