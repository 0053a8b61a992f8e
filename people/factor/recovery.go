package factor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/typed"
)

const (
	// RecoveryCodes is how many codes a user gets.
	RecoveryCodes = 10

	recoveryLength = 12 // characters of 5 bits each
	// The codes of other products have other lengths.
	leastRecovery, mostRecovery = 8, 64
	mostImported                = 64 // codes of one user
	// letters are the digits of Crockford's base 32. None looks like another.
	letters = "0123456789abcdefghjkmnpqrstvwxyz"
)

// Recovery are the MACs of the codes that were not used yet, and the keys that may have made them.
// They are stored together and sealed. A master secret can therefore be replaced, although the
// codes themselves are only on the user's paper. An attacker who reads the database without the
// master secret cannot even guess codes.
type Recovery struct{ keys, macs [][]byte }

// NewRecovery returns new codes for the user, and the value to store.
func NewRecovery(userID string) (codes []string, r Recovery) {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	r.keys = [][]byte{key}
	for range RecoveryCodes {
		b := make([]byte, recoveryLength)
		rand.Read(b)
		for i := range b {
			b[i] = letters[b[i]%byte(len(letters))] // 32 divides 256, so that all letters are equally probable
		}
		code := string(b)
		r.macs = append(r.macs, mac(key, userID, code))
		codes = append(codes, code[:4]+"-"+code[4:8]+"-"+code[8:])
	}
	return codes, r
}

// ImportRecovery returns the value to store for codes that another product gave to the user. It leaves codes
// out that are shorter than 8 characters, which could be guessed, or longer than 64, and returns how many.
func ImportRecovery(userID string, codes []string) (r Recovery, leftOut int) {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	r.keys = [][]byte{key}
	for _, code := range codes {
		code = lookalikes.Replace(typed.Code(code))
		if len(code) < leastRecovery || len(code) > mostRecovery || len(r.macs) == mostImported {
			leftOut++
			continue
		}
		r.macs = append(r.macs, mac(key, userID, code))
	}
	return r, leftOut
}

// mac authenticates a code of one user. The same code of another user has another MAC.
func mac(key []byte, userID, code string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(userID + "\x00" + code))
	return h.Sum(nil)
}

var errMalformedRecovery = errors.New("malformed recovery codes")

// OpenRecovery reads the result of Seal. It returns secret.ErrInvalid if no master secret opens it.
func OpenRecovery(box *secret.Box, stored []byte) (Recovery, error) {
	if len(stored)%sha256.Size == 0 { // the first versions stored MACs alone, made with the keys of the box
		return Recovery{box.MACKeys(), slices.Collect(slices.Chunk(stored, sha256.Size))}, nil
	}
	plain, err := box.Open(stored)
	if err != nil {
		return Recovery{}, err
	}
	if len(plain)%sha256.Size != 1 || len(plain) < 1+int(plain[0])*sha256.Size {
		return Recovery{}, errMalformedRecovery
	}
	n, parts := int(plain[0]), slices.Collect(slices.Chunk(plain[1:], sha256.Size))
	return Recovery{parts[:n], parts[n:]}, nil
}

// Seal returns r in its stored form.
func (r Recovery) Seal(box *secret.Box) []byte {
	return box.Seal(slices.Concat([]byte{byte(len(r.keys))}, slices.Concat(r.keys...), slices.Concat(r.macs...)))
}

// RenewRecovery returns stored codes sealed with the first master secret, or nil if they are
// already.
func RenewRecovery(box *secret.Box, stored []byte) ([]byte, error) {
	if len(stored)%sha256.Size != 0 {
		return box.Renew(stored)
	}
	r, err := OpenRecovery(box, stored)
	if err != nil {
		return nil, err
	}
	return r.Seal(box), nil
}

// HasRecovery reports whether stored codes are left. The length of the sealed value tells, so that no master secret is
// needed.
func HasRecovery(stored []byte) bool {
	if len(stored)%sha256.Size == 0 { // MACs alone, as in OpenRecovery
		return len(stored) > 0
	}
	return len(stored) > secret.Overhead+1+sha256.Size // the number of keys, and one key
}

// Left returns the number of codes that were not used yet.
func (r Recovery) Left() int { return len(r.macs) }

// lookalikes replaces letters that users read in the place of others.
var lookalikes = strings.NewReplacer("o", "0", "i", "1", "l", "1")

// Use checks a code as the user typed it. It returns the value to store in the place of r, and
// reports whether the code is right.
func (r Recovery) Use(userID, code string) (Recovery, bool) {
	code = lookalikes.Replace(typed.Code(code))
	if len(code) < leastRecovery || len(code) > mostRecovery {
		return r, false
	}
	for _, key := range r.keys {
		want := mac(key, userID, code)
		for i, m := range r.macs {
			if hmac.Equal(m, want) {
				return Recovery{r.keys, slices.Delete(slices.Clone(r.macs), i, i+1)}, true
			}
		}
	}
	return r, false
}
