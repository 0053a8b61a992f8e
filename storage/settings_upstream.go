package storage

// Upstream is a provider at which users of a tenant may sign in.
type Upstream struct {
	// ID is its name in URLs: its callback is /upstream/ID/callback below the issuer. Linked
	// identities refer to it: another provider needs another ID.
	ID string `json:"id" yaml:"id"`
	// Preset is google, facebook, github, microsoft, apple or discord; for any other
	// OpenID provider it is oidc, the default.
	Preset string `json:"preset,omitempty" yaml:"preset,omitempty"`
	// Name is the text of its button; the preset's if empty.
	Name string `json:"name,omitempty" yaml:"name,omitempty"`
	// Issuer is the provider's, from which all else is discovered. Presets know theirs;
	// with github it is that of an Enterprise Server, with microsoft one that ends in the
	// directory's id and /v2.0.
	Issuer   string `json:"issuer,omitempty" yaml:"issuer,omitempty"`
	ClientID string `json:"client_id" yaml:"client_id"`
	// ClientSecret is what the provider gave with the client id; with apple the private
	// key, a PEM block. It is sealed, for the tenant and the purpose "upstream". In
	// tenants.yaml it is client_secret, or client_secret_file.
	ClientSecret []byte `json:"client_secret,omitempty" yaml:"-"`
	// Audiences are further client ids there, of apps that send a user's ID token, which the provider's own
	// library gave them.
	Audiences []string `json:"audiences,omitempty" yaml:"audiences,omitempty"`
	// TeamID and KeyID go with apple's key.
	TeamID string `json:"team_id,omitempty" yaml:"team_id,omitempty"`
	KeyID  string `json:"key_id,omitempty" yaml:"key_id,omitempty"`
	// Scopes are asked for in place of the preset's: openid profile email.
	Scopes []string `json:"scopes,omitempty" yaml:"scopes,omitempty"`
	// Claims are names of the provider's claims, by the names of ours that they fill.
	Claims map[string]string `json:"claims,omitempty" yaml:"claims,omitempty"`
	// Groups are the tenant's groups by the names that the provider has for them: at every sign-in a user joins
	// and leaves them as the provider says.
	Groups map[string]string `json:"groups,omitempty" yaml:"groups,omitempty"`
	// GroupsClaim is the provider's claim that lists a user's groups; groups if empty.
	GroupsClaim string `json:"groups_claim,omitempty" yaml:"groups_claim,omitempty"`

	// AuthoritativeDomains are those of e-mail addresses about which the provider has the
	// last word: an account with such a verified address is linked without another proof.
	AuthoritativeDomains []string `json:"authoritative_domains,omitempty" yaml:"authoritative_domains,omitempty"`
	// Domains, when there are any, are those of e-mail addresses that may come from here.
	Domains []string `json:"domains,omitempty" yaml:"domains,omitempty"`
	// DistrustEmail has every address confirmed by a mail, whatever the provider says.
	DistrustEmail bool `json:"distrust_email,omitempty" yaml:"distrust_email,omitempty"`
	// SignUp is open (as far as the tenant's own sign-up is; the default), or closed: only
	// users whose account is linked already may sign in.
	SignUp string `json:"sign_up,omitempty" yaml:"sign_up,omitempty"`
	// RefreshProfile brings name and picture up to date at every sign-in; otherwise they
	// are taken over once, when the account is made.
	RefreshProfile bool `json:"refresh_profile,omitempty" yaml:"refresh_profile,omitempty"`
}
