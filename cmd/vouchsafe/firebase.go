package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	passwords "github.com/vouchsafe/vouchsafe/people/password"
)

var firebaseField = regexp.MustCompile(`"?(base64_signer_key|base64_salt_separator|rounds|mem_cost)"?\s*[:=]\s*"?([^\s",]*)`)

// readFirebase reads the password hash parameters as Firebase's console shows them, or
// the same in JSON.
func readFirebase(file string) (*passwords.Firebase, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, m := range firebaseField.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2]
	}
	f := &passwords.Firebase{}
	var errs [4]error
	f.SignerKey, errs[0] = looseBase64(found["base64_signer_key"])
	f.SaltSeparator, errs[1] = looseBase64(found["base64_salt_separator"])
	f.Rounds, errs[2] = strconv.Atoi(found["rounds"])
	f.MemCost, errs[3] = strconv.Atoi(found["mem_cost"])
	for _, err := range errs {
		if err != nil || len(f.SignerKey) == 0 {
			return nil, fmt.Errorf("%s does not have the password hash parameters of Firebase's console: base64_signer_key, base64_salt_separator, rounds and mem_cost", file)
		}
	}
	return f, nil
}

func firebaseHash(f passwords.Firebase, hash, salt string) ([]byte, error) {
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
