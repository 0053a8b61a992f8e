package importing

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Row is a user as files have it: Export writes rows, and Import reads them.
type Row struct {
	// ID is their sub. Import keeps it, so that clients know them again. Without one they get a new id.
	ID string `json:"id,omitempty"`
	// ExternalID is the id that they had in another product, unless it is a UUID and can stay their sub.
	ExternalID    string          `json:"external_id,omitempty"`
	Email         string          `json:"email,omitempty"`
	EmailVerified bool            `json:"email_verified,omitempty"`
	Username      string          `json:"username,omitempty"`
	Phone         string          `json:"phone_number,omitempty"` // E.164
	PhoneVerified bool            `json:"phone_number_verified,omitempty"`
	Profile       storage.Profile `json:"profile,omitzero"`
	// Attributes are those that the tenant declares, by name.
	Attributes map[string]any `json:"attributes,omitempty"`
	Roles      []string       `json:"roles,omitempty"`
	Disabled   bool           `json:"disabled,omitempty"`
	CreatedAt  time.Time      `json:"created_at,omitzero"`
	UpdatedAt  time.Time      `json:"updated_at,omitzero"` // written, and not read
	// PasswordHash is a string, or a credential of Keycloak as an object: see password.Import. With
	// PasswordSalt it is Firebase's.
	PasswordHash json.RawMessage `json:"password_hash,omitempty"`
	PasswordSalt string          `json:"password_salt,omitempty"`
	// Identities are their accounts at upstream providers.
	Identities []Identity `json:"identities,omitempty"`
	// TOTP is their authenticator app; RecoveryCodes, in clear, are what stands in for it.
	TOTP          *TOTP    `json:"totp,omitempty"`
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
	// Passkeys are those that another product made.
	Passkeys []Passkey `json:"passkeys,omitempty"`
	// Moved is what only the accounts of Keratin AuthN have.
	Moved Moved `json:"-"`
}

// Moved is what is kept of an account of Keratin AuthN besides what every file can have.
type Moved struct {
	Number int64 // by which apps know the user; 0 for none
	// LastSignIn and PasswordChanged are zero if they are not known.
	LastSignIn, PasswordChanged time.Time
	// Expired has the user choose a new password before the next sign-in by password.
	Expired bool
}

// Identity is an account at an upstream provider.
type Identity struct {
	Provider string `json:"provider"` // the id of one of the tenant's upstreams
	Subject  string `json:"subject"`
	Email    string `json:"email,omitempty"`
}

// TOTP is an authenticator app.
type TOTP struct {
	Secret    string `json:"secret"`              // in base 32, or an otpauth URL
	Algorithm string `json:"algorithm,omitempty"` // SHA1 (the default), SHA256 or SHA512
	Digits    int    `json:"digits,omitempty"`    // 6 by default
	Period    int    `json:"period,omitempty"`    // in seconds; 30 by default
}

// Rules are what rows may say.
type Rules struct {
	Tenant   string
	Roles    bool     // they may have roles
	Reserved []string // user names that are not given; nil for the default ones
	Firebase *password.Firebase
	// Upstreams are those to which identities may belong.
	Upstreams []storage.Upstream
	// PasskeyHost is the host name to which passkeys must belong; "" for none.
	PasskeyHost string
	// Attributes are those that users can have. Those that are required are missed only in rows that have some,
	// unless Complete is true.
	Attributes []storage.Attribute
	Complete   bool
	Now        time.Time
}

// Checked is what a row says, after checks.
type Checked struct {
	User  storage.User
	HasID bool   // the row said which
	Hash  []byte // of the password; nil for none
	// Unique are the values of attributes that only this user may have.
	Unique map[string]string
	// Identities are linked to the user. TOTP is their authenticator app, nil for none, and Recovery are their
	// recovery codes, in clear.
	Identities []storage.Identity
	TOTP       *factor.TOTP
	Recovery   []string
	Passkeys   []encodedPasskey
	// SecondFactor says that one of the passkeys has to be asked for after the password.
	SecondFactor bool
	Moved        Moved
}

const (
	maxText       = 1024 // bytes, of one field
	maxExternalID = 255  // bytes
	maxRoles      = 32
)

// Check returns what the row says. What is wrong first is a *Fault, which does not quote the hash.
func (row *Row) Check(rules Rules) (Checked, error) {
	c, err := row.CheckAll(rules)
	if fs, ok := errors.AsType[Faults](err); ok {
		return Checked{}, fs[0]
	}
	return c, err
}

// CheckAll is Check, but the error is all that is wrong, as Faults.
func (row *Row) CheckAll(rules Rules) (Checked, error) {
	u := storage.User{
		TenantID: rules.Tenant, ID: row.ID, ExternalID: row.ExternalID, EmailVerified: row.EmailVerified,
		Phone: row.Phone, PhoneVerified: row.PhoneVerified, Profile: row.Profile, Roles: row.Roles, Disabled: row.Disabled,
		CreatedAt: row.CreatedAt, UpdatedAt: rules.Now,
	}
	if u.CreatedAt.IsZero() || u.CreatedAt.After(rules.Now) {
		u.CreatedAt = rules.Now
	}
	c := Checked{User: u, HasID: row.ID != "", Moved: row.Moved}
	err := Collect(
		func() error { return giveID(&c.User) },
		func() error { return row.giveNames(&c.User, rules) },
		func() error { return checkPhone(&c.User) },
		func() error {
			if len(row.Roles) > 0 && !rules.Roles {
				return ofRule("roles.refused", "the user has roles, which come only with --roles")
			}
			return nil
		},
		func() error { return checkTexts(c.User) },
		func() error { return row.giveAttributes(&c, rules) },
		func() error { return row.giveProofs(&c, rules) },
	)
	if err != nil {
		return Checked{}, err
	}
	return c, nil
}

// giveID gives the user a new id if there is none, and checks the ids.
func giveID(u *storage.User) error {
	return Collect(
		func() error {
			if u.ID == "" {
				id, err := uuid.NewV7()
				u.ID = id.String()
				return err
			}
			if id, err := uuid.Parse(u.ID); err != nil || id.String() != u.ID {
				return ofRule("id.form", "id is not a UUID in lower case: leave it out to get a new one")
			}
			return nil
		},
		func() error {
			if len(u.ExternalID) > maxExternalID || strings.ContainsFunc(u.ExternalID, unicode.IsControl) {
				return ofRule("external_id.form", "external_id is longer than %d bytes, or has control characters",
					maxExternalID)
			}
			return nil
		},
	)
}

// giveAttributes gives the user the attributes of the row.
func (row *Row) giveAttributes(c *Checked, rules Rules) error {
	if len(row.Attributes) == 0 && !rules.Complete {
		return nil
	}
	checked, err := attributes.Change(rules.Attributes, nil, row.Attributes)
	if err != nil {
		return AttributeFaults(err)
	}
	c.User.Attributes, c.Unique = checked.Values, checked.Unique
	return nil
}

// giveNames gives the user the address and the user name of the row, of which there must be one.
func (row *Row) giveNames(u *storage.User, rules Rules) error {
	if strings.TrimSpace(row.Email) == "" && strings.TrimSpace(row.Username) == "" {
		if row.Phone != "" {
			return ofRule("names.phone", "the user has only a phone number: users sign in here by an email address or a "+
				"username, and may have a phone number as well")
		}
		return ofRule("names.missing", "there is neither email nor username")
	}
	return Collect(
		func() error {
			if strings.TrimSpace(row.Email) == "" {
				return nil
			}
			email, err := address.Claim(row.Email)
			if err != nil {
				return ofRule("email.form", "email %.80q %v", row.Email, err)
			}
			email.Give(u)
			return nil
		},
		func() error { return giveUsername(u, row.Username, rules.Reserved) },
	)
}

// checkTexts checks the texts that have no form of their own.
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
		return ofRule("roles.many", "the user has more than %d roles", maxRoles)
	}
	for i, role := range u.Roles {
		texts[fmt.Sprintf("roles[%d]", i)] = role
	}
	var fs Faults
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		s, _ := texts[name].(string)
		if len(s) > maxText || !utf8.ValidString(s) {
			fs = append(fs, faultOf(name, "text.long", "%s is longer than %d bytes, or no text", name, maxText))
			continue
		}
		lines := strings.HasPrefix(name, "address") // they have lines
		forbidden := func(r rune) bool { return unicode.IsControl(r) && !(lines && (r == '\n' || r == '\r')) }
		if strings.ContainsFunc(s, forbidden) {
			fs = append(fs, faultOf(name, "text.control", "%s has control characters", name))
		}
	}
	for _, c := range claims.Standard.All() {
		if c.Form != claims.URL {
			continue
		}
		s := *c.Text(&u.Profile)
		if v, err := url.Parse(s); s != "" && (err != nil || v.Host == "" || v.Scheme != "https" && v.Scheme != "http") {
			fs = append(fs, faultOf(c.Name, "text.url", "%s is not a URL of http or https", c.Name))
		}
	}
	return fs.Err()
}
