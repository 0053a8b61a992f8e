package users

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// parseRole reads a role as flags have it: OWNER#ROLE, where the owner is one of the tenant's APIs or a client.
func parseRole(t *storage.TenantSettings, text string) (storage.RoleName, error) {
	owner, name, ok := strings.Cut(text, "#")
	switch {
	case !ok || owner == "" || name == "":
		return storage.RoleName{}, command.Misused("%q names no role: write CLIENT-ID#ROLE, or API#ROLE", text)
	case t.API(owner) != nil:
		return storage.RoleName{API: owner, Name: name}, nil
	}
	return storage.RoleName{Client: owner, Name: name}, nil
}

// readProfile reads what is known of a user from a file: an object with the claims of OIDC Core 5.1, by
// their names. A user name that the row has already stays.
func readProfile(file string, row *importing.Row) error {
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
	known.Profile = row.Profile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&known); err != nil {
		return fmt.Errorf("profile %s: want a JSON object of claims such as given_name and address: %w", file, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("profile %s: there is more text after the JSON object", file)
	}
	row.Profile, row.Phone, row.PhoneVerified = known.Profile, known.Phone, known.PhoneVerified
	row.Username = cmp.Or(row.Username, known.Username)
	return nil
}

// parseRoles reads roles as flags have them.
func parseRoles(t *storage.TenantSettings, flags []string) (all []storage.RoleName, err error) {
	for _, text := range flags {
		r, err := parseRole(t, text)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// parseAttributes reads values of attributes as flags have them, NAME=VALUE; nil if there are none.
func parseAttributes(t *storage.TenantSettings, flags []string) (all map[string]any, err error) {
	for _, text := range flags {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, command.Misused("--attribute %q: write NAME=VALUE", text)
		}
		if all == nil {
			all = map[string]any{}
		}
		declared := t.Attribute(name)
		if declared == nil {
			declared = &storage.Attribute{Name: name} // the use case says that there is no such attribute
		}
		all[name] = attributes.Parse(*declared, value)
	}
	return all, nil
}
