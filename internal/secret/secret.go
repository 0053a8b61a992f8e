// Package secret derives every key that Vouchsafe seals or authenticates with from
// the master secrets, one for each tenant and purpose, so that nothing made for one
// opens for another.
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

// MinLength is the least length of a master secret, in bytes.
const MinLength = 32

// ErrInvalid says that a value was not sealed here, for this tenant and purpose,
// with any of the master secrets. It deliberately says no more.
var ErrInvalid = errors.New("value is not authentic")

// Masters are the master secrets of an installation. The first seals; all open, so
// that a secret can be replaced without ending anybody's session.
type Masters struct {
	secrets []string
	nonces  nonces
	boxes   sync.Map // boxID → *Box
}

type boxID struct {
	tenant  string
	purpose Purpose
}

// Parse reads a comma-separated list of master secrets, each of at least MinLength bytes.
func Parse(list string) (*Masters, error) {
	var m Masters
	for s := range strings.SplitSeq(list, ",") {
		s = strings.TrimSpace(s)
		if len(s) < MinLength {
			return nil, fmt.Errorf("a master secret has %d bytes; it needs at least %d: make one with `openssl rand -base64 48`", len(s), MinLength)
		}
		m.secrets = append(m.secrets, s)
	}
	return &m, nil
}

// Token makes a random value of 256 bits, base64url: a master secret, a client
// secret, a cookie.
func Token() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Box is the Box of a tenant and purpose. Boxes are kept: purposes and tenants are few.
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

// newKey derives what seals and authenticates for one tenant and purpose.
func newKey(master, tenant, purpose string) key {
	id := tenant + "\x00" + purpose
	block, err := aes.NewCipher(derive(master, id+"\x00seal"))
	if err != nil {
		panic(err) // a key of 32 bytes is always right
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	mac := derive(master, id+"\x00mac")
	return key{aead: aead, macKey: mac, macs: &sync.Pool{New: func() any { return hmac.New(sha256.New, mac) }}}
}

func derive(master, info string) []byte {
	k, err := hkdf.Key(sha256.New, []byte(master), nil, "vouchsafe\x00"+info, 32)
	if err != nil {
		panic(err) // only for lengths that HKDF cannot give
	}
	return k
}

// Box seals and authenticates values for one tenant and purpose. Its first key seals.
type Box struct {
	keys   []key
	nonces *nonces
}

type key struct {
	aead   cipher.AEAD
	macKey []byte
	macs   *sync.Pool
}

// Seal encrypts and authenticates plain (AES-256-GCM). The nonce comes first.
func (b *Box) Seal(plain []byte) []byte {
	nonce := b.nonces.next()
	sealed := make([]byte, nonceSize, nonceSize+len(plain)+16)
	copy(sealed, nonce[:])
	return b.keys[0].aead.Seal(sealed, nonce[:], plain, nil)
}

// Open gives back what Seal was given, or ErrInvalid.
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

// strict refuses the encodings that differ in unused bits only, so that a sealed
// value has one spelling.
var strict = base64.RawURLEncoding.Strict()

// SealString is Seal as base64url.
func (b *Box) SealString(plain []byte) string { return strict.EncodeToString(b.Seal(plain)) }

// OpenString is Open for SealString. Line breaks, padding and every other spelling
// than the one that SealString gave are ErrInvalid.
func (b *Box) OpenString(sealed string) ([]byte, error) {
	if strings.ContainsAny(sealed, "\r\n") { // the decoder skips them
		return nil, ErrInvalid
	}
	raw, err := strict.DecodeString(sealed)
	if err != nil {
		return nil, ErrInvalid
	}
	return b.Open(raw)
}

// MAC authenticates msg (HMAC-SHA-256) with the first master secret.
func (b *Box) MAC(msg []byte) []byte { return b.keys[0].mac(msg) }

// VerifyMAC says whether mac is msg's under any of the master secrets, in constant time.
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
