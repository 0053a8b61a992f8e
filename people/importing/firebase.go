package importing

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/password"
)

var firebaseField = regexp.MustCompile(
	`"?(base64_signer_key|base64_salt_separator|rounds|mem_cost)"?\s*[:=]\s*"?([^\s",]*)`)

// ParseFirebase reads the parameters of password hashes as Firebase's console shows them, or the same
// in JSON. The error does not quote them.
func ParseFirebase(text []byte) (*password.Firebase, error) {
	found := map[string]string{}
	for _, m := range firebaseField.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2]
	}
	f := &password.Firebase{}
	var errs [4]error
	f.SignerKey, errs[0] = looseBase64(found["base64_signer_key"])
	f.SaltSeparator, errs[1] = looseBase64(found["base64_salt_separator"])
	f.Rounds, errs[2] = strconv.Atoi(found["rounds"])
	f.MemCost, errs[3] = strconv.Atoi(found["mem_cost"])
	for _, err := range errs {
		if err != nil || len(f.SignerKey) == 0 {
			return nil, errFirebase
		}
	}
	return f, nil
}

var errFirebase = errors.New("does not have the password hash parameters of Firebase's console: " +
	"base64_signer_key, base64_salt_separator, rounds and mem_cost")

// firebaseHash returns the hash as it is stored.
func firebaseHash(f password.Firebase, hash, salt string) ([]byte, error) {
	h, err := looseBase64(hash)
	if err != nil {
		return nil, err
	}
	s, err := looseBase64(salt)
	if err != nil {
		return nil, err
	}
	return f.Hash(h, s)
}

// looseBase64 reads base64 of either alphabet, padded or not: Firebase writes both.
func looseBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}
