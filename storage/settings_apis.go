package storage

import (
	"cmp"
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
	// Clients are the ids of the clients that may ask for tokens for the API; any client when empty.
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
func (a *API) Admits(clientID string) bool {
	return len(a.Clients) == 0 || slices.Contains(a.Clients, clientID)
}

// AdmitsScope reports whether the client may ask for the scope, as far as APIs decide: the scope is of no API, or of
// one that the client may ask for.
func (t *TenantSettings) AdmitsScope(clientID, scope string) bool {
	known := false
	for i := range t.APIs {
		a := &t.APIs[i]
		if !slices.ContainsFunc(a.Scopes, func(s APIScope) bool { return s.Name == scope }) {
			continue
		}
		known = true
		if a.Admits(clientID) {
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
