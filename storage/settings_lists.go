package storage

import (
	"cmp"
	"encoding/json"
	"slices"
)

// API is a resource server of a tenant: what access tokens are for.
type API struct {
	// Identifier is an absolute URI. It is the aud of access tokens for the API.
	Identifier string `json:"identifier" yaml:"identifier"`
	// Name is shown to users and administrators.
	Name string `json:"name,omitempty" yaml:"name,omitempty"`
	// Scopes are those that clients can ask for.
	Scopes []APIScope `json:"scopes,omitempty" yaml:"scopes,omitempty"`
	// AccessTokenFormat is jwt or opaque; the client's own when empty. A token for several APIs is opaque if one of
	// them wants that.
	AccessTokenFormat string `json:"access_token_format,omitempty" yaml:"access_token_format,omitempty"`
	// AccessTokenLifetime is how long access tokens for the API live; as the client says when zero. A token for
	// several APIs lives for the shortest of these.
	AccessTokenLifetime Duration `json:"access_token_lifetime,omitzero" yaml:"access_token_lifetime,omitempty"`
	// Clients are the ids of the clients that may ask for tokens for the API; any client that an administrator added when
	// empty. "*" stands for all clients, outside clients too.
	Clients []string `json:"clients,omitempty" yaml:"clients,omitempty"`
}

// APIScope is a scope of an API.
type APIScope struct {
	// Name is what clients send in the parameter scope.
	Name string `json:"name" yaml:"name"`
	// Title names it for administrators.
	Title string `json:"title,omitempty" yaml:"title,omitempty"`
	// Consent is what the consent page says about it, by language: {en: "Read your orders"}.
	Consent map[string]string `json:"consent,omitempty" yaml:"consent,omitempty"`
}

// API returns the tenant's API with the identifier, or nil.
func (t *TenantSettings) API(identifier string) *API {
	i := slices.IndexFunc(t.APIs, func(a API) bool { return a.Identifier == identifier })
	if i < 0 {
		return nil
	}
	return &t.APIs[i]
}

// Admits reports whether the client may ask for access tokens for the API.
func (a *API) Admits(c *Client) bool {
	return len(a.Clients) == 0 && c.Outside == nil || slices.Contains(a.Clients, c.ClientID) ||
		slices.Contains(a.Clients, AnyClient)
}

// AnyClient stands for all clients among API.Clients.
const AnyClient = "*"

// AdmitsScope reports whether the client may ask for the scope, as far as APIs decide: the scope is of no API, or of
// one that the client may ask for.
func (t *TenantSettings) AdmitsScope(c *Client, scope string) bool {
	known := false
	for i := range t.APIs {
		a := &t.APIs[i]
		if !slices.ContainsFunc(a.Scopes, func(s APIScope) bool { return s.Name == scope }) {
			continue
		}
		known = true
		if a.Admits(c) {
			return true
		}
	}
	return !known
}

// ConsentTo returns what the consent page says about the scope of an API, in the language or else in English, or the
// scope's title; "" if there is nothing of these.
func (t *TenantSettings) ConsentTo(scope, language string) string {
	s := t.APIScope(scope)
	if s == nil {
		return ""
	}
	return cmp.Or(s.Consent[language], s.Consent["en"], s.Title)
}

// APIScope returns the scope with that name of the first API that has one, or nil.
func (t *TenantSettings) APIScope(name string) *APIScope {
	for i := range t.APIs {
		for j := range t.APIs[i].Scopes {
			if t.APIs[i].Scopes[j].Name == name {
				return &t.APIs[i].Scopes[j]
			}
		}
	}
	return nil
}

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
