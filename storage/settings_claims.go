package storage

import "encoding/json"

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
