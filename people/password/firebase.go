package password

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"fmt"
)

// Firebase says how a project of Firebase Authentication hashes: the "password hash
// parameters" of its console. Its accounts are exported with a hash and a salt each.
type Firebase struct {
	SignerKey     []byte // base64_signer_key
	SaltSeparator []byte // base64_salt_separator
	Rounds        int    // rounds
	MemCost       int    // mem_cost
}

// Hash is what is stored of an account's exported passwordHash and salt. ErrForeign when
// they, or the parameters, are no good. The signer key is stored with each hash, until
// its owner signs in and has one of ours.
func (f Firebase) Hash(hash, salt []byte) ([]byte, error) {
	h := firebaseHash{scryptCost{f.MemCost, f.Rounds, 1}, salt, f.SaltSeparator, f.SignerKey, hash}
	if _, err := parseFirebase(h.String()); err != nil {
		return nil, err
	}
	return []byte(h.String()), nil
}

// firebaseHash is $firebase-scrypt$ln=14,r=8$salt$separator$signer key$hash. The key of
// scrypt encrypts the project's signer key, with AES-256 in counter mode from zero, and
// the result is the hash (github.com/firebase/scrypt).
type firebaseHash struct {
	cost                       scryptCost
	salt, separator, key, hash []byte
}

func parseFirebase(text string) (foreign, error) {
	p, ok := parsePHC(text, []string{"ln", "r"}, 4)
	if !ok || p.version != "" {
		return nil, ErrForeign
	}
	h := firebaseHash{cost: scryptCost{p: 1}}
	var ok1, ok2, ok3, ok4, ok5, ok6 bool
	h.cost.ln, ok1 = p.number("ln", 1, 20)
	h.cost.r, ok2 = p.number("r", 1, 64)
	h.salt, ok3 = p.bytes(0, 1, maxSalt)
	h.separator, ok4 = p.bytes(1, 0, maxSalt)
	h.key, ok5 = p.bytes(2, minKey, maxKey)
	h.hash, ok6 = p.bytes(3, minKey, maxKey)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !h.cost.bearable() || len(h.key) != len(h.hash) {
		return nil, ErrForeign
	}
	return h, nil
}

func (h firebaseHash) String() string {
	e := strict.EncodeToString
	return fmt.Sprintf("$firebase-scrypt$ln=%d,r=%d$%s$%s$%s$%s", h.cost.ln, h.cost.r, e(h.salt), e(h.separator), e(h.key), e(h.hash))
}

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
