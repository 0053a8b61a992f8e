package backendauth

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/tenantapp"
)

// fault is one thing that is wrong with a body, in the form of Joi, with which backend-auth validates.
type fault struct {
	Message string `json:"message"`
	Path    string `json:"path"`
	Type    string `json:"type"`
	Context detail `json:"context"`
}

// detail says more about a fault. The value is not among it: passwords would come back, and end in logs.
type detail struct {
	Key   string `json:"key"`
	Limit int    `json:"limit,omitempty"`
}

// faults are all that is wrong, in the order of the members.
type faults []fault

func (faults) Error() string { return "invalid input" }

// add adds a fault.
func (f *faults) add(key, typ string, limit int, format string, args ...any) {
	*f = append(*f, fault{`"` + key + `" ` + fmt.Sprintf(format, args...), key, typ, detail{key, limit}})
}

// err returns the faults as an error; nil if there are none.
func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return *f
}

// Lengths of texts, in bytes. backend-auth has no such bounds.
const (
	maxLogin   = 512
	maxSubject = 1024
	maxDevice  = 512
	maxEmail   = 320
	maxScope   = 8 << 10
)

// text reads a member that must be a text, and not an empty one.
func (b body) text(f *faults, key string, most int) string {
	value, there := b[key]
	if !there {
		f.add(key, "any.required", 0, "is required")
		return ""
	}
	var text string
	if value[0] != '"' || json.Unmarshal(value, &text) != nil {
		f.add(key, "string.base", 0, "must be a string")
		return ""
	}
	return checked(f, key, text, 1, most)
}

// checked returns the text, unless its length is wrong or it has characters that no database keeps.
func checked(f *faults, key, text string, least, most int) string {
	switch {
	case text == "":
		f.add(key, "any.empty", 0, "is not allowed to be empty")
	case utf8.RuneCountInString(text) < least:
		f.add(key, "string.min", least, "length must be at least %d characters long", least)
	case len(text) > most:
		f.add(key, "string.max", most, "length must be less than or equal to %d characters long", most)
	case strings.ContainsRune(text, 0):
		f.add(key, "string.base", 0, "must be a string without control characters")
	default:
		return text
	}
	return ""
}

// optional reads a text that may be missing.
func (b body) optional(f *faults, key string, most int) string {
	if value, there := b[key]; !there || string(value) == "null" || string(value) == `""` {
		return ""
	}
	return b.text(f, key, most)
}

// email reads a member that must be an address.
func (b body) email(f *faults, key string) (email address.Claimed) {
	text := b.text(f, key, maxEmail)
	if text == "" {
		return email
	}
	email, err := address.Claim(text)
	if err != nil {
		f.add(key, "string.email", 0, "must be a valid email")
	}
	return email
}

// tenantPasswordPattern is that of backend-auth. tenantapp.FitsApp has the rules.
const tenantPasswordPattern = `/^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[a-zA-Z\d]{6,}$/`

// tenantPassword reads the password of a tenant: letters and digits, of each kind one.
func (b body) tenantPassword(f *faults) string {
	before := len(*f)
	text := b.text(f, "password", password.MaxLength)
	if len(*f) > before {
		return ""
	}
	if text = checked(f, "password", text, tenantapp.ShortestPassword, password.MaxLength); text == "" {
		return ""
	}
	if !tenantapp.FitsApp(text) {
		f.add("password", "string.regex.base", 0, "fails to match the required pattern: %s", tenantPasswordPattern)
		return ""
	}
	return text
}

// scope reads the scope of a user: a text, or an object from resources to actions. nil is none.
func (b body) scope(f *faults) json.RawMessage {
	value := b["scope"]
	switch {
	case len(value) == 0 || string(value) == "null":
		return nil
	case value[0] != '"' && value[0] != '{':
		f.add("scope", "alternatives.base", 0, "must be a string or an object")
		return nil
	case len(value) > maxScope:
		f.add("scope", "string.max", maxScope, "length must be less than or equal to %d characters long", maxScope)
		return nil
	}
	return value
}

// token reads the token that a request is about.
func (b body) token() (string, error) {
	var f faults
	token := b.text(&f, "token", maxBody)
	return token, f.err()
}
