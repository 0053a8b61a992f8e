// Package secret derives all keys with which Vouchsafe seals and authenticates values from the
// master secrets. Each tenant and purpose has keys of its own, so that a value made for one opens
// for no other.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// MinLength is the minimum length of a master secret, in bytes.
const MinLength = 32

// ErrInvalid means that a value was not sealed here for this tenant and purpose with any of the
// master secrets. It says no more on purpose, because details would help an attacker.
var ErrInvalid = errors.New("value is not authentic")

// Masters are the master secrets of an installation. The first one seals and all of them open, so
// that a secret can be replaced without ending sessions.
type Masters struct {
	secrets []string
	nonces  nonces
	boxes   sync.Map // boxID → *Box
}

// boxID identifies a Box.
type boxID struct {
	tenant  string
	purpose Purpose
}

// Parse reads a comma-separated list of master secrets. It returns an error if one of them is
// shorter than MinLength.
func Parse(list string) (*Masters, error) {
	var m Masters
	for s := range strings.SplitSeq(list, ",") {
		s = strings.TrimSpace(s)
		if len(s) < MinLength {
			return nil, fmt.Errorf("a master secret has %d bytes; it needs at least %d: make one with `openssl rand -base64 48`",
				len(s), MinLength)
		}
		m.secrets = append(m.secrets, s)
	}
	return &m, nil
}

// Token returns a new random value of 256 bits in base64url. It serves as a master secret, a client
// secret, or the value of a cookie.
func Token() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Box returns the Box of a tenant and purpose. Boxes are kept in memory, because there are few.
func (m *Masters) Box(tenant string, purpose Purpose) *Box {
	id := boxID{tenant, purpose}
	if b, ok := m.boxes.Load(id); ok {
		return b.(*Box)
	}
	b := &Box{nonces: &m.nonces}
	for _, s := range m.secrets {
		b.keys = append(b.keys, newKey(s, tenant, purpose.String()))
	}
	if was := purposes[purpose].was; was != "" {
		for _, s := range m.secrets {
			b.keys = append(b.keys, newKey(s, tenant, was))
		}
	}
	kept, _ := m.boxes.LoadOrStore(id, b)
	return kept.(*Box)
}

// newKey derives the keys that seal and authenticate for one tenant and purpose.
func newKey(master, tenant, purpose string) key {
	id := tenant + "\x00" + purpose
	block, err := aes.NewCipher(derive(master, id+"\x00seal"))
	if err != nil {
		panic(err) // 32 bytes are always a valid key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	mac := derive(master, id+"\x00mac")
	return key{aead: aead, macKey: mac, macs: &sync.Pool{New: func() any { return hmac.New(sha256.New, mac) }}}
}

// derive returns a key of 32 bytes (HKDF-SHA-256, RFC 5869).
func derive(master, info string) []byte {
	k, err := hkdf.Key(sha256.New, []byte(master), nil, "vouchsafe\x00"+info, 32)
	if err != nil {
		panic(err) // HKDF refuses only greater lengths
	}
	return k
}

// Box seals and authenticates values for one tenant and purpose. The first of its keys seals, all
// of them open.
type Box struct {
	keys   []key
	nonces *nonces
}

// key holds what one master secret gives for a tenant and purpose.
type key struct {
	aead   cipher.AEAD
	macKey []byte
	macs   *sync.Pool
}

// Overhead is by how many bytes a sealed text is longer than the text.
const Overhead = nonceSize + 16

// Seal encrypts and authenticates plain (AES-256-GCM). The result begins with the nonce.
func (b *Box) Seal(plain []byte) []byte {
	nonce := b.nonces.next()
	sealed := make([]byte, nonceSize, len(plain)+Overhead)
	copy(sealed, nonce[:])
	return b.keys[0].aead.Seal(sealed, nonce[:], plain, nil)
}

// Open returns the text that was given to Seal, or ErrInvalid.
func (b *Box) Open(sealed []byte) ([]byte, error) {
	for _, k := range b.keys {
		if plain, ok := k.open(sealed); ok {
			return plain, nil
		}
	}
	return nil, ErrInvalid
}

func (k key) open(sealed []byte) (plain []byte, ok bool) {
	if len(sealed) < nonceSize {
		return nil, false
	}
	plain, err := k.aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], nil)
	return plain, err == nil
}

// strict refuses base64 with bits set that are not used, because a sealed value must have one
// spelling only.
var strict = base64.RawURLEncoding.Strict()

// SealString returns the result of Seal in base64url.
func (b *Box) SealString(plain []byte) string { return strict.EncodeToString(b.Seal(plain)) }

// OpenString opens the result of SealString. It returns ErrInvalid for every other spelling, such
// as one with line breaks or padding.
func (b *Box) OpenString(sealed string) ([]byte, error) {
	if strings.ContainsAny(sealed, "\r\n") { // the decoder skips line breaks
		return nil, ErrInvalid
	}
	raw, err := strict.DecodeString(sealed)
	if err != nil {
		return nil, ErrInvalid
	}
	return b.Open(raw)
}

// MAC returns the HMAC-SHA-256 of msg under the first master secret.
func (b *Box) MAC(msg []byte) []byte { return b.keys[0].mac(msg) }

// MACs returns the HMAC-SHA-256 of msg under each of the master secrets, in their order.
func (b *Box) MACs(msg []byte) [][]byte {
	all := make([][]byte, len(b.keys))
	for i, k := range b.keys {
		all[i] = k.mac(msg)
	}
	return all
}

// VerifyMAC reports, in constant time, whether mac is the MAC of msg under any of the master
// secrets.
func (b *Box) VerifyMAC(msg, mac []byte) bool {
	for _, k := range b.keys {
		if hmac.Equal(k.mac(msg), mac) {
			return true
		}
	}
	return false
}

func (k key) mac(msg []byte) []byte {
	h := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	h.Write(msg)
	return h.Sum(nil)
}
