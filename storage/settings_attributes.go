package storage

import (
	"encoding/json"
	"slices"
)

// Types of an Attribute.
const (
	AttributeString  = "string"
	AttributeNumber  = "number"
	AttributeBoolean = "boolean"
	AttributeDate    = "date" // 2006-01-02
	AttributeList    = "list" // of strings
)

// Values of Attribute.See and Attribute.Edit.
const (
	ByOwner         = "owner" // the user, and administrators
	ByAdministrator = "administrator"
)

// Attribute is something that a tenant stores about its users, beside their profile.
type Attribute struct {
	// Name is its name in files, in the API and as the source of claims: small letters, digits and _.
	Name string `json:"name" yaml:"name"`
	// Title is shown to users and administrators in place of the name.
	Title string `json:"title,omitempty" yaml:"title,omitempty"`
	// Type is string (the default), number, boolean, date or list.
	Type string `json:"type,omitempty" yaml:"type,omitempty"`
	// Required refuses a user without a value when an administrator adds the user, and changes of attributes that
	// leave none. Users who sign up have none yet.
	Required bool `json:"required,omitempty" yaml:"required,omitempty"`
	// Unique refuses a value that another user of the tenant has. It is for strings, numbers and dates.
	Unique bool `json:"unique,omitempty" yaml:"unique,omitempty"`
	// Pattern is a regular expression (RE2) that a whole string, or each string of a list, must match.
	Pattern string `json:"pattern,omitempty" yaml:"pattern,omitempty"`
	// See and Edit are owner or administrator (the default): who sees the value, and who sets it.
	See  string `json:"see,omitempty" yaml:"see,omitempty"`
	Edit string `json:"edit,omitempty" yaml:"edit,omitempty"`
}

// Attribute returns the attribute with that name, or nil.
func (t *TenantSettings) Attribute(name string) *Attribute {
	i := slices.IndexFunc(t.Attributes, func(a Attribute) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Attributes[i]
}

// ClaimRule adds a claim to what clients get: a row that a tenant or a client adds to the table of claims.
type ClaimRule struct {
	// Claim is the claim's name. A rule takes the place of a row with this name that was there before.
	Claim string `json:"claim" yaml:"claim"`
	// From is where the value comes from, such as groups or profile.name; "" if there is a Value.
	From string `json:"from,omitempty" yaml:"from,omitempty"`
	// Value is the same for all users: a text, a number, true, false, or a list of texts.
	Value json.RawMessage `json:"value,omitempty" yaml:"-" free:"true"`
	// Prefix leaves out the elements of a list that do not begin with it.
	Prefix string `json:"prefix,omitempty" yaml:"prefix,omitempty"`
	// StripPrefix takes Prefix off the other elements.
	StripPrefix bool `json:"strip_prefix,omitempty" yaml:"strip_prefix,omitempty"`
	// As is list or string; "" leaves the value as it is.
	As string `json:"as,omitempty" yaml:"as,omitempty"`
	// In says where the claim is given: id_token, userinfo, access_token, introspection. The first two if empty.
	In []string `json:"in,omitempty" yaml:"in,omitempty"`
	// Scope is the scope that asks for the claim. With "" all tokens have it, but what is about the user only
	// those of first-party clients: all other clients need the user's consent to a scope.
	Scope string `json:"scope,omitempty" yaml:"scope,omitempty"`
}
