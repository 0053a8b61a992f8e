package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/claims"
	passwords "github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// personRow is a person as user export writes and user import reads them.
type personRow struct {
	// ID is their sub. Import keeps it, so that clients know them again; they get a new
	// one without.
	ID            string          `json:"id,omitempty"`
	Email         string          `json:"email,omitempty"`
	EmailVerified bool            `json:"email_verified,omitempty"`
	Username      string          `json:"username,omitempty"`
	Phone         string          `json:"phone_number,omitempty"` // E.164
	PhoneVerified bool            `json:"phone_number_verified,omitempty"`
	Profile       storage.Profile `json:"profile,omitzero"`
	Roles         []string        `json:"roles,omitempty"`
	Disabled      bool            `json:"disabled,omitempty"`
	CreatedAt     time.Time       `json:"created_at,omitzero"`
	UpdatedAt     time.Time       `json:"updated_at,omitzero"` // written, and not read
	// PasswordHash is a text, or a credential of Keycloak as an object: see
	// passwords.Import. With PasswordSalt it is Firebase's.
	PasswordHash json.RawMessage `json:"password_hash,omitempty"`
	PasswordSalt string          `json:"password_salt,omitempty"`
}

// person is what a row says, checked.
type person struct {
	user  storage.User
	hasID bool   // the row said which
	hash  []byte // nil: no password
}

// rowRules are what import lets rows say.
type rowRules struct {
	tenant   string
	roles    bool
	reserved []string // user names that are not given
	firebase *passwords.Firebase
	now      time.Time
}

const (
	maxText  = 1024 // bytes, of one field
	maxRoles = 32
)

// check makes a person of the row, or says what is wrong with it. The hash is not among
// what it says.
func (row *personRow) check(rules rowRules) (person, error) {
	u := storage.User{
		TenantID: rules.tenant, ID: row.ID, EmailVerified: row.EmailVerified,
		Phone: row.Phone, PhoneVerified: row.PhoneVerified, Profile: row.Profile, Roles: row.Roles, Disabled: row.Disabled,
		CreatedAt: row.CreatedAt, UpdatedAt: rules.now,
	}
	if u.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return person{}, err
		}
		u.ID = id.String()
	} else if id, err := uuid.Parse(u.ID); err != nil || id.String() != u.ID {
		return person{}, errors.New("id is not a UUID in lower case: leave it out to get a new one")
	}
	if strings.TrimSpace(row.Email) == "" && strings.TrimSpace(row.Username) == "" {
		return person{}, errors.New("there is neither email nor username")
	}
	if strings.TrimSpace(row.Email) != "" {
		email, err := address.Claim(row.Email)
		if err != nil {
			return person{}, fmt.Errorf("email %.80q %w", row.Email, err)
		}
		email.Give(&u)
	}
	if err := giveUsername(&u, row.Username, rules.reserved); err != nil {
		return person{}, err
	}
	if err := checkPhone(&u); err != nil {
		return person{}, err
	}
	if len(u.Roles) > 0 && !rules.roles {
		return person{}, errors.New("it has roles: --roles allows them")
	}
	if err := checkTexts(u); err != nil {
		return person{}, err
	}
	if u.CreatedAt.IsZero() || u.CreatedAt.After(rules.now) {
		u.CreatedAt = rules.now
	}
	hash, err := row.hash(rules)
	return person{u, row.ID != "", hash}, err
}

// checkTexts bounds what has no form of its own.
func checkTexts(u storage.User) error {
	raw, err := json.Marshal(u.Profile)
	if err != nil {
		return err
	}
	texts := map[string]any{}
	if err := json.Unmarshal(raw, &texts); err != nil {
		return err
	}
	if address, ok := texts["address"].(map[string]any); ok {
		delete(texts, "address")
		for name, val := range address {
			texts["address."+name] = val
		}
	}
	if len(u.Roles) > maxRoles {
		return fmt.Errorf("it has more than %d roles", maxRoles)
	}
	for i, role := range u.Roles {
		texts[fmt.Sprintf("roles[%d]", i)] = role
	}
	for name, val := range texts {
		s, _ := val.(string)
		if len(s) > maxText || !utf8.ValidString(s) {
			return fmt.Errorf("%s is longer than %d bytes, or no text", name, maxText)
		}
		lines := strings.HasPrefix(name, "address") // they have lines
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !(lines && (r == '\n' || r == '\r')) }) {
			return fmt.Errorf("%s has control characters", name)
		}
	}
	for _, c := range claims.Standard.All() {
		if c.Form != claims.URL {
			continue
		}
		s := *c.Text(&u.Profile)
		if v, err := url.Parse(s); s != "" && (err != nil || v.Host == "" || v.Scheme != "https" && v.Scheme != "http") {
			return fmt.Errorf("%s is not a URL of http or https", c.Name)
		}
	}
	return nil
}

// hash reads the password's hash. What other products write for "none" is none.
func (row *personRow) hash(rules rowRules) ([]byte, error) {
	raw := bytes.TrimSpace(row.PasswordHash)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, errors.New("password_hash is neither a string nor an object")
		}
	}
	if text == "" || strings.HasPrefix(text, "!") { // Django's unusable passwords
		return nil, nil
	}
	var hash []byte
	var err error
	switch {
	case row.PasswordSalt == "":
		hash, err = passwords.Import(text)
	case rules.firebase == nil:
		return nil, errors.New("it has a password_salt, like a Firebase export: give the parameters with --firebase FILE")
	default:
		hash, err = firebaseHash(*rules.firebase, text, row.PasswordSalt)
	}
	if err != nil {
		return nil, errors.New("password_hash is damaged, of an unsupported kind, or too expensive to verify")
	}
	return hash, nil
}
