package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/jws"
)

// headers remembers headers of proofs that were found right. A client sends the same one with each proof, and reading
// the key in it costs as much as verifying the signature. Nothing here can be out of date: all of it follows from the
// bytes of the header. Only ES256 is remembered, which nearly all clients use. The zero value is ready for use.
type headers struct {
	recent cache.Recent[string, header]
}

// header is what a header of a proof says, with the algorithm ES256.
type header struct {
	key *ecdsa.PublicKey
	jkt string // the thumbprint of the key
}

const (
	// maxHeaders bounds each generation of headers, of which each takes about 600 bytes.
	maxHeaders = 1024
	// maxHeader bounds a remembered header, in bytes. That of an EC key has about 250.
	maxHeader = 512
)

// verify returns the claims of a proof whose header is remembered, and the thumbprint of its key. It reports false if
// there is no such header, or something is wrong: read then says what.
func (h *headers) verify(proof string) (payload []byte, jkt string, ok bool) {
	dot, last := strings.IndexByte(proof, '.'), strings.LastIndexByte(proof, '.')
	if dot < 0 {
		return nil, "", false
	}
	known, ok := h.recent.Find(proof[:dot], maxHeaders)
	if !ok || dot == last || strings.ContainsAny(proof, "\r\n") { // the decoder skips line breaks
		return nil, "", false
	}
	payload, err := strict.DecodeString(proof[dot+1 : last]) // a third dot is refused here
	if err != nil {
		return nil, "", false
	}
	signature, err := strict.DecodeString(proof[last+1:])
	if err != nil || len(signature) != 64 { // RFC 7518 section 3.4
		return nil, "", false
	}
	sum := sha256.Sum256([]byte(proof[:last]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	return payload, known.jkt, ecdsa.Verify(known.key, sum[:], r, s)
}

// read returns the claims of a proof and the thumbprint of the key that signed it, or what is wrong with the proof.
func (h *headers) read(proof string) (payload []byte, jkt string, err error) {
	signed, err := jws.Parse(proof, Algorithms)
	if err != nil {
		return nil, "", errors.New("it is no JWT that is signed by one of dpop_signing_alg_values_supported")
	}
	if jws.Type(signed) != "dpop+jwt" {
		return nil, "", errors.New("its typ isn't dpop+jwt")
	}
	part, _, _ := strings.Cut(proof, ".")
	key, err := keyOf(part)
	if err != nil {
		return nil, "", err
	}
	if !clients.SignedByOne(signed, []jose.JSONWebKey{key}) {
		return nil, "", errors.New("its key didn't sign it, or isn't for its alg")
	}
	print, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, "", errors.New("its jwk has no thumbprint")
	}
	jkt = strict.EncodeToString(print)
	public, is := key.Key.(*ecdsa.PublicKey)
	if is && signed.Signatures[0].Protected.Algorithm == string(jose.ES256) && len(part) <= maxHeader {
		h.recent.Keep(strings.Clone(part), header{public, jkt}, maxHeaders)
	}
	return signed.UnsafePayloadWithoutVerification(), jkt, nil
}

// keyOf returns the public key in the encoded header of a proof. go-jose reads it, too, but not all that it protects.
func keyOf(encoded string) (jose.JSONWebKey, error) {
	var header struct {
		Key json.RawMessage `json:"jwk"`
	}
	plain, err := strict.DecodeString(encoded)
	if err != nil || json.Unmarshal(plain, &header) != nil || len(header.Key) == 0 {
		return jose.JSONWebKey{}, errors.New("its header has no jwk")
	}
	key, err := clients.ParseKey(header.Key)
	if err != nil {
		return key, fmt.Errorf("its jwk %w", err)
	}
	return key, nil
}
