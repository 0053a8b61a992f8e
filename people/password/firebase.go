package password

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"fmt"
)

// Firebase are the "password hash parameters" that the console of Firebase Authentication shows for
// a project. The export of a project has a hash and a salt for each account.
type Firebase struct {
	SignerKey     []byte // base64_signer_key
	SaltSeparator []byte // base64_salt_separator
	Rounds        int    // rounds
	MemCost       int    // mem_cost
}

// Hash returns the stored form of an account's exported passwordHash and salt. It returns
// ErrForeign if they, or the parameters, cannot be used. The signer key is stored with each hash
// until the user signs in and the password is hashed anew.
func (f Firebase) Hash(hash, salt []byte) ([]byte, error) {
	h := firebaseHash{scryptCost{f.MemCost, f.Rounds, 1}, salt, f.SaltSeparator, f.SignerKey, hash}
	if _, err := parseFirebase(h.String()); err != nil {
		return nil, err
	}
	return []byte(h.String()), nil
}

// firebaseHash is $firebase-scrypt$ln=14,r=8$SALT$SEPARATOR$SIGNER KEY$HASH. The key that scrypt
// derives encrypts the project's signer key with AES-256 in counter mode, starting from zero. The
// result is the hash (github.com/firebase/scrypt).
type firebaseHash struct {
	cost                       scryptCost
	salt, separator, key, hash []byte
}

// parseFirebase reads a firebaseHash, or returns ErrForeign.
func parseFirebase(text string) (foreign, error) {
	p, err := parsePHC(text, []string{"ln", "r"}, 4)
	if err != nil {
		return nil, err
	}
	if p.version != "" {
		return nil, refuse("it has a version")
	}
	h := firebaseHash{cost: scryptCost{p: 1}}
	var errs [6]error
	h.cost.ln, errs[0] = p.number("ln", 1, 20)
	h.cost.r, errs[1] = p.number("r", 1, 64)
	h.salt, errs[2] = p.bytes("salt", 0, 1, maxSalt)
	h.separator, errs[3] = p.bytes("salt separator", 1, 0, maxSalt)
	h.key, errs[4] = p.bytes("signer key", 2, minKey, maxKey)
	h.hash, errs[5] = p.bytes("hash", 3, minKey, maxKey)
	if err := cmp.Or(cmp.Or(errs[:]...), h.cost.check()); err != nil {
		return nil, err
	}
	if len(h.key) != len(h.hash) {
		return nil, refuse("the hash is not as long as the signer key")
	}
	return h, nil
}

// String returns the stored form.
func (h firebaseHash) String() string {
	e := strict.EncodeToString
	return fmt.Sprintf("$firebase-scrypt$ln=%d,r=%d$%s$%s$%s$%s", h.cost.ln, h.cost.r, e(h.salt),
		e(h.separator), e(h.key), e(h.hash))
}

// matches implements foreign.
func (h firebaseHash) matches(password string) bool {
	derived, err := h.cost.key(password, append(append([]byte{}, h.salt...), h.separator...), 32)
	if err != nil {
		return false
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return false
	}
	got := make([]byte, len(h.key))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(got, h.key)
	return subtle.ConstantTimeCompare(got, h.hash) == 1
}
