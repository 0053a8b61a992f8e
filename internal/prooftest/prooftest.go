// Package prooftest makes proofs of possession (DPoP, RFC 9449) for tests.
package prooftest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Key is a key pair whose holder proves it.
type Key struct {
	// JKT is the thumbprint of the key (RFC 7638).
	JKT string
	// Nonce is the last that a server gave; see Learn.
	Nonce string

	testing.TB
	signer jose.Signer
}

// New returns a new key.
func New(t testing.TB) *Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := jose.JSONWebKey{Key: private.Public()}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, &jose.SignerOptions{
		ExtraHeaders: map[jose.HeaderKey]any{"typ": "dpop+jwt", "jwk": public}})
	if err != nil {
		t.Fatal(err)
	}
	return &Key{JKT: base64.RawURLEncoding.EncodeToString(sum), TB: t, signer: signer}
}

// Learn keeps the nonce of an answer, if it has one, and reports whether it has.
func (k *Key) Learn(answer http.Header) bool {
	nonce := answer.Get("DPoP-Nonce")
	if nonce != "" {
		k.Nonce = nonce
	}
	return nonce != ""
}

// Proof returns a new proof for a request, with the access token that it brings, or "".
func (k *Key) Proof(method, url, token string) string {
	k.Helper()
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": time.Now().Unix()}
	if k.Nonce != "" {
		claims["nonce"] = k.Nonce
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	plain, err := json.Marshal(claims)
	if err != nil {
		k.Fatal(err)
	}
	signed, err := k.signer.Sign(plain)
	if err != nil {
		k.Fatal(err)
	}
	proof, err := signed.CompactSerialize()
	if err != nil {
		k.Fatal(err)
	}
	return proof
}
