package clients

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// MaxKeys is the largest number of keys of one client.
	MaxKeys = 32
	// MinRSA is the least size of a client's RSA key, in bits.
	MinRSA = 2048
	// maxRSA bounds the work of one signature check, in bits.
	maxRSA = 8192
)

// privateMembers are the members of a JWK that only its owner may have (RFC 7518 section 6). k is a
// shared key.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// ParseJWKS reads a client's JWK set. bad has an error for each key that cannot be used. A declared set
// with such a key is refused. In a document that the client publishes they are left out, because it may
// hold keys for other purposes (RFC 7517 section 5).
func ParseJWKS(raw []byte) (keys []jose.JSONWebKey, bad []error, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, nil, errors.New(`is not a JWK set: write {"keys": [...]}`)
	}
	if len(set.Keys) == 0 {
		return nil, nil, errors.New(`has no keys: write {"keys": [...]}`)
	}
	if len(set.Keys) > MaxKeys {
		return nil, nil, fmt.Errorf("has %d keys: write at most %d", len(set.Keys), MaxKeys)
	}
	for i, one := range set.Keys {
		key, err := ParseKey(one)
		if err != nil {
			bad = append(bad, fmt.Errorf("key %d %w", i+1, err))
			continue
		}
		keys = append(keys, key)
	}
	return keys, bad, nil
}

// jwksFaults returns all that is wrong with a JWK set that a client declares.
func jwksFaults(raw []byte) []string {
	keys, bad, err := ParseJWKS(raw)
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	for _, err := range bad {
		faults = append(faults, err.Error())
	}
	if len(bad) == 0 && !slices.ContainsFunc(keys, func(k jose.JSONWebKey) bool { return k.Use != "enc" }) {
		faults = append(faults, "has no key that verifies signatures: add one with use sig")
	}
	kids, prints := map[string]bool{}, map[string]bool{}
	for _, key := range keys {
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil || prints[string(sum)] {
			faults = append(faults, fmt.Sprintf("has the key %q twice: remove one", key.KeyID))
			continue
		}
		prints[string(sum)] = true
		switch {
		case key.KeyID == "" && len(keys) > 1:
			faults = append(faults, "has several keys, of which one has no kid: give each its own")
		case key.KeyID != "" && kids[key.KeyID]:
			faults = append(faults, fmt.Sprintf("has the kid %q twice: give each key its own", key.KeyID))
		}
		kids[key.KeyID] = true
	}
	return faults
}

// ParseKey reads one public key (RFC 7517), and refuses a key that protects nothing.
func ParseKey(raw []byte) (jose.JSONWebKey, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return jose.JSONWebKey{}, errors.New("is not a JSON object")
	}
	for _, name := range privateMembers {
		if _, there := members[name]; there {
			return jose.JSONWebKey{}, fmt.Errorf("has the private member %q: it is known to others now, so make a new key and "+
				"write its public half only", name)
		}
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(raw); err != nil {
		return key, fmt.Errorf("isn't a supported JWK: write an RSA, EC (P-256, P-384, P-521) or OKP (Ed25519) key")
	}
	if len(key.KeyID) > maxText || !storage.WellFormed(key.KeyID) {
		return key, fmt.Errorf("has a kid that cannot be used: write at most %d bytes of text", maxText)
	}
	if alg := key.Algorithm; alg != "" && key.Use != "enc" && !slices.Contains(AlgorithmNames(AssertionAlgorithms), alg) {
		return key, fmt.Errorf("has the alg %q: write one of %s", alg,
			strings.Join(AlgorithmNames(AssertionAlgorithms), ", "))
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		switch bits := k.N.BitLen(); {
		case bits < MinRSA || bits > maxRSA:
			return key, fmt.Errorf("is RSA of %d bits: write one of %d to %d", bits, MinRSA, maxRSA)
		case k.E < 3 || k.E%2 == 0 || k.N.Bit(0) == 0:
			return key, errors.New(
				"is RSA with an exponent or modulus that protects nothing: make a new key (e is AQAB in most)")
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		return key, errors.New("is not a public key: write an RSA, EC or OKP key")
	}
	if !key.Valid() {
		return key, errors.New("is not valid: make a new key")
	}
	return key, nil
}
