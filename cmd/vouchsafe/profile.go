package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/vouchsafe/vouchsafe/storage"
)

// readProfile reads what is known of a person from a file: an object with the claims of
// OIDC Core 5.1, by their names. What a flag says too is the flag's.
func readProfile(file string, u *storage.User) error {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	var known struct {
		storage.Profile
		Username      string `json:"preferred_username"`
		Phone         string `json:"phone_number"`
		PhoneVerified bool   `json:"phone_number_verified"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&known); err != nil {
		return fmt.Errorf("profile %s: want a JSON object of claims such as given_name and address: %w", file, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("profile %s: there is something behind the JSON object", file)
	}
	flags := u.Profile
	u.Profile = known.Profile
	for _, f := range []struct {
		to   *string
		flag string
	}{{&u.Profile.Name, flags.Name}, {&u.Profile.GivenName, flags.GivenName}, {&u.Profile.FamilyName, flags.FamilyName}} {
		if f.flag != "" {
			*f.to = f.flag
		}
	}
	if u.Username == "" {
		u.Username = known.Username
	}
	u.Phone, u.PhoneVerified = known.Phone, known.PhoneVerified
	return nil
}
