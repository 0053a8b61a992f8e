package factor

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
)

const (
	// RecoveryCodes is how many a person gets.
	RecoveryCodes = 10

	recoveryLength = 12 // characters of 5 bits
	// letters are those of Crockford's base 32: none looks like another.
	letters = "0123456789abcdefghjkmnpqrstvwxyz"
)

// MAC authenticates what recovery codes say; *secret.Box is one. Whoever reads the
// database without the master secret has nothing to guess at.
type MAC interface {
	MAC(msg []byte) []byte
	VerifyMAC(msg, mac []byte) bool
}

// Recovery are the MACs of the codes that were not used.
type Recovery struct{ macs [][]byte }

// NewRecovery makes a person's codes, and what is to be stored of them.
func NewRecovery(box MAC, userID string) (codes []string, r Recovery) {
	for range RecoveryCodes {
		b := make([]byte, recoveryLength)
		rand.Read(b)
		for i := range b {
			b[i] = letters[b[i]%byte(len(letters))] // 32 divides 256
		}
		code := string(b)
		r.macs = append(r.macs, box.MAC(message(userID, code)))
		codes = append(codes, code[:4]+"-"+code[4:8]+"-"+code[8:])
	}
	return codes, r
}

// message is what is authenticated: a code of one person is none of another's.
func message(userID, code string) []byte { return []byte(userID + "\x00" + code) }

// ParseRecovery reads what Bytes gave.
func ParseRecovery(b []byte) (Recovery, error) {
	if len(b)%sha256.Size != 0 {
		return Recovery{}, errors.New("malformed recovery codes")
	}
	return Recovery{slices.Collect(slices.Chunk(b, sha256.Size))}, nil
}

// Bytes is r to be stored.
func (r Recovery) Bytes() []byte { return slices.Concat(r.macs...) }

// Left is how many codes were not used.
func (r Recovery) Left() int { return len(r.macs) }

// lookalikes are what people read in place of letters.
var lookalikes = strings.NewReplacer("o", "0", "i", "1", "l", "1")

// Use checks a code as it was typed, and gives what is to be stored in place of r.
func (r Recovery) Use(box MAC, userID, code string) (Recovery, bool) {
	code = lookalikes.Replace(typed(code))
	if len(code) != recoveryLength {
		return r, false
	}
	for i, mac := range r.macs {
		if box.VerifyMAC(message(userID, code), mac) {
			return Recovery{slices.Delete(slices.Clone(r.macs), i, i+1)}, true
		}
	}
	return r, false
}
