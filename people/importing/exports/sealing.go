package exports

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
)

// Sealing is how Keratin AuthN has encrypted the secrets of authenticator apps: AES-256-GCM under a key that is derived
// from a secret, as Rails does it.
type Sealing struct {
	Base string // SECRET_KEY_BASE; "" for a secret that is not known
	Salt string // DB_ENCRYPTION_KEY_SALT; AuthN itself has always used its default, which is tried first

	once  sync.Once
	boxes []cipher.AEAD
}

// errSealed says that a value cannot be opened.
var errSealed = errors.New("the authenticator app cannot be opened: SECRET_KEY_BASE is not the one of this database")

const (
	sealingSalt   = "db-encryption-key-salt"
	sealingRounds = 20_000
)

// derive makes the boxes of the keys.
func (s *Sealing) derive() {
	for _, salt := range []string{sealingSalt, s.Salt} {
		if salt == "" {
			continue
		}
		key, err := pbkdf2.Key(sha256.New, s.Base, []byte(salt), sealingRounds, 32)
		if err != nil {
			continue
		}
		if block, err := aes.NewCipher(key); err == nil {
			if box, err := cipher.NewGCM(block); err == nil {
				s.boxes = append(s.boxes, box)
			}
		}
	}
}

// open returns what a value says: base64 of the ciphertext, the nonce and the tag, with -- between them.
func (s *Sealing) open(value string) (string, error) {
	s.once.Do(s.derive)
	var parts [3][]byte
	texts := strings.Split(value, "--")
	if len(texts) != len(parts) {
		return "", errSealed
	}
	for i, text := range texts {
		var err error
		if parts[i], err = base64.StdEncoding.DecodeString(text); err != nil {
			return "", errSealed
		}
	}
	for _, box := range s.boxes {
		if len(parts[1]) != box.NonceSize() || len(parts[2]) != box.Overhead() {
			break
		}
		if plain, err := box.Open(nil, parts[1], append(parts[0], parts[2]...), nil); err == nil {
			return marshalled(plain)
		}
	}
	return "", errSealed
}

// marshalled returns the text in what Marshal.dump of Ruby writes for one: version 4.8, the length, the bytes, and the
// encoding, which is not looked at.
func marshalled(dump []byte) (string, error) {
	rest, ok := strings.CutPrefix(string(dump), "\x04\x08I\"")
	if !ok || rest == "" {
		return "", errSealed
	}
	size, rest := int(rest[0]), rest[1:]
	switch { // a length up to 122 has 5 added to it; others have as many bytes as the first one says
	case size > 5 && size < 128:
		size -= 5
	case size == 1 && rest != "":
		size, rest = int(rest[0]), rest[1:]
	default:
		return "", errSealed // empty, or longer than any secret
	}
	if size > len(rest) {
		return "", errSealed
	}
	return rest[:size], nil
}
