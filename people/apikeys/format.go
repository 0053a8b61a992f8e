package apikeys

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"
)

// The beginnings of keys. A scanner for leaked secrets finds keys by the regular expression
// vs_(user|service)_[0-9A-Za-z]{36}, and tells them from other text by their checksum: see IsKey.
const (
	userPrefix    = "vs_user_"
	servicePrefix = "vs_service_"
)

const (
	randomLength   = 30 // characters of base62: 178 bits
	checksumLength = 6  // characters of base62 hold 32 bits
	// startLength is how many random characters lists show. They are 23 bits: too few to help in guessing the rest.
	startLength = 4
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewSecret returns a new key, of a client or of a user. It is not stored.
func NewSecret(ofClient bool) string {
	var b strings.Builder
	b.WriteString(prefixOf(ofClient))
	for drawn := make([]byte, 1); b.Len() < len(prefixOf(ofClient))+randomLength; {
		rand.Read(drawn)
		if n := int(drawn[0]) & 0x3f; n < len(alphabet) { // each character is equally probable
			b.WriteByte(alphabet[n])
		}
	}
	return b.String() + checksum(b.String())
}

func prefixOf(ofClient bool) string {
	if ofClient {
		return servicePrefix
	}
	return userPrefix
}

// checksum returns the CRC-32 (IEEE) of all that stands before it in a key, in base62, the most significant character
// first, filled up with zeros.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	out := make([]byte, checksumLength)
	for i := range out {
		out[len(out)-1-i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(out)
}

// LooksLikeKey reports whether the value begins as keys do. No token of ours and no code does.
func LooksLikeKey(value string) bool {
	return strings.HasPrefix(value, userPrefix) || strings.HasPrefix(value, servicePrefix)
}

// IsKey reports whether the value has the form and the checksum of a key. It needs no database: whatever it refuses
// was never a key.
func IsKey(value string) bool {
	random, found := strings.CutPrefix(value, prefixOf(isOfClient(value)))
	if !found || len(random) != randomLength+checksumLength {
		return false
	}
	for i := range len(random) {
		if strings.IndexByte(alphabet, random[i]) < 0 {
			return false
		}
	}
	end := len(value) - checksumLength
	return checksum(value[:end]) == value[end:]
}

// isOfClient reports whether the owner of the key is a client.
func isOfClient(value string) bool { return strings.HasPrefix(value, servicePrefix) }

// hashOf returns what is stored of a key. Keys are random, and need no slow hash.
func hashOf(value string) []byte {
	sum := sha256.Sum256([]byte(value))
	return sum[:]
}

// startOf returns the beginning of a key that lists show.
func startOf(value string) string { return value[:len(prefixOf(isOfClient(value)))+startLength] }
