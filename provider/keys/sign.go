package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Sign returns the claims as a compact JWS (RFC 7515 section 3.1). go-jose would return the same,
// but it encodes the header anew for every token, which costs a fifth of the signature itself.
func (s *Key) Sign(typ string, claims []byte) (string, error) {
	key, err := s.unsealed()
	if err != nil {
		return "", err
	}
	header, err := s.header(typ)
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	out := make([]byte, 0, len(header)+enc.EncodedLen(len(claims))+enc.EncodedLen(maxSignature)+2)
	out = enc.AppendEncode(append(append(out, header...), '.'), claims)
	signature, err := signBytes(key, jose.SignatureAlgorithm(s.Algorithm), out)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", s.ID, err)
	}
	return string(enc.AppendEncode(append(out, '.'), signature)), nil
}

// maxSignature is the length in bytes of the longest usual signature, that of RSA with 4096 bits.
const maxSignature = 512

// header returns the encoded JOSE header. It is encoded once for each typ.
func (s *Key) header(typ string) (string, error) {
	if kept, ok := s.headers.Load(typ); ok {
		return kept.(string), nil
	}
	raw, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
		Type      string `json:"typ"`
	}{s.Algorithm, s.ID, typ})
	if err != nil {
		return "", err
	}
	header := base64.RawURLEncoding.EncodeToString(raw)
	s.headers.Store(typ, header)
	return header, nil
}

// signBytes returns the signature of message in the form of RFC 7518 section 3 or RFC 8037 section
// 3.1.
func signBytes(key crypto.Signer, alg jose.SignatureAlgorithm, message []byte) ([]byte, error) {
	switch alg {
	case jose.EdDSA:
		return key.Sign(nil, message, crypto.Hash(0))
	case jose.RS256:
		sum := sha256.Sum256(message)
		return key.Sign(rand.Reader, sum[:], crypto.SHA256)
	case jose.ES256:
		private, ok := key.(*ecdsa.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("a %T cannot sign with ES256", key)
		}
		sum := sha256.Sum256(message)
		// The nonce of the signature is derived from the key and the message (RFC 6979), as RFC
		// 8725 section 3.2 demands: a weak source of randomness cannot reveal the key.
		der, err := private.Sign(nil, sum[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return joined(der)
	}
	return nil, fmt.Errorf("nothing is signed with %s", alg)
}

// joined returns an ECDSA signature of P-256 in the form of JWS (RFC 7518 section 3.4): R and S
// with 32 bytes each.
func joined(der []byte) ([]byte, error) {
	var pair cryptobyte.String
	var r, s []byte
	in := cryptobyte.String(der)
	if !in.ReadASN1(&pair, asn1.SEQUENCE) || !pair.ReadASN1Integer(&r) || !pair.ReadASN1Integer(&s) ||
		len(r) > 32 || len(s) > 32 {
		return nil, errors.New("not an ECDSA signature of P-256")
	}
	out := make([]byte, 64)
	copy(out[32-len(r):], r)
	copy(out[64-len(s):], s)
	return out, nil
}
