package storage

import (
	"slices"
	"strings"
)

// TenantSettings are a tenant's rules and looks, as tenants.yaml has them. What is left
// out has its default.
type TenantSettings struct {
	SignUp       SignUpSettings       `json:"sign_up,omitzero" yaml:"sign_up,omitempty"`
	SignIn       SignInSettings       `json:"sign_in,omitzero" yaml:"sign_in,omitempty"`
	Passwords    PasswordSettings     `json:"passwords,omitzero" yaml:"passwords,omitempty"`
	SecondFactor SecondFactorSettings `json:"second_factor,omitzero" yaml:"second_factor,omitempty"`
	SignInAs     SignInAsSettings     `json:"sign_in_as,omitzero" yaml:"sign_in_as,omitempty"`
	// Administrators say what a sign-in has to be like for the console and the management API.
	Administrators AdministratorSettings `json:"administrators,omitzero" yaml:"administrators,omitempty"`
	APIKeys        APIKeySettings        `json:"api_keys,omitzero" yaml:"api_keys,omitempty"`
	Limits         LimitSettings         `json:"limits,omitzero" yaml:"limits,omitempty"`
	Branding       Branding              `json:"branding,omitzero" yaml:"branding,omitempty"`
	// Mails are the tenant's own texts of messages, each for one language.
	Mails     []MailText `json:"mails,omitempty" yaml:"mails,omitempty"`
	Upstreams []Upstream `json:"upstreams,omitempty" yaml:"upstreams,omitempty"`
	// Claims are rows that the tenant adds to the table of claims, for its clients.
	Claims []ClaimRule `json:"claims,omitempty" yaml:"claims,omitempty"`
	// Attributes are what the tenant stores about its users beside their profile.
	Attributes []Attribute `json:"attributes,omitempty" yaml:"attributes,omitempty"`
	// APIs are what access tokens can be for.
	APIs []API `json:"apis,omitempty" yaml:"apis,omitempty"`
	// OutsideClients says which clients work that no administrator added.
	OutsideClients OutsideSettings `json:"outside_clients,omitzero" yaml:"outside_clients,omitempty"`
}

// Values of OutsideSettings.
const (
	OutsideOff    = "off"
	OutsideListed = "listed" // documents at Hosts
	OutsideAnyone = "anyone"
	OutsideToken  = "token" // holders of an API key with the scope clients:write
)

// OutsideSettings say which clients work that no administrator added: editors and assistants that connect to an API.
// APIs say by "*" among their Clients that such clients may ask for them.
type OutsideSettings struct {
	// Documents says which clients may be named by the URL of their metadata: off (the default), listed or anyone.
	Documents string `json:"documents,omitempty" yaml:"documents,omitempty"`
	// Hosts are those of such URLs if Documents is listed: vscode.dev, or *.example.com for every name below one.
	Hosts []string `json:"hosts,omitempty" yaml:"hosts,omitempty"`
	// Registration says who may register clients at the registration endpoint: off (the default), token or anyone.
	Registration string `json:"registration,omitempty" yaml:"registration,omitempty"`
}

// ReadsDocuments reports whether clients may be named by the URL of their metadata.
func (o *OutsideSettings) ReadsDocuments() bool {
	return o.Documents == OutsideListed || o.Documents == OutsideAnyone
}

// Registers reports whether clients may register themselves.
func (o *OutsideSettings) Registers() bool {
	return o.Registration == OutsideToken || o.Registration == OutsideAnyone
}

// Lists reports whether a host is one of Hosts.
func (o *OutsideSettings) Lists(host string) bool {
	return slices.ContainsFunc(o.Hosts, func(h string) bool {
		below, wild := strings.CutPrefix(h, "*")
		return h == host || wild && len(host) > len(below) && strings.HasSuffix(host, below)
	})
}

// Modes of SignUpSettings.
const (
	SignUpOpen       = "open"
	SignUpInvitation = "invitation"
	SignUpClosed     = "closed"
)

// SignUpSettings say which accounts may be registered.
type SignUpSettings struct {
	// Mode is open (the default), invitation or closed.
	Mode string `json:"mode,omitempty" yaml:"mode,omitempty"`
	// EmailDomains, when there are any, are the only ones of which addresses may register.
	EmailDomains []string `json:"email_domains,omitempty" yaml:"email_domains,omitempty"`
	// ReservedUsernames are names that no user may take, nor names that look like them. Left out, they are
	// those of people/username. An empty list reserves none.
	ReservedUsernames []string `json:"reserved_usernames,omitzero" yaml:"reserved_usernames,omitempty"`
	// AskUsername lets users choose a user name, too.
	AskUsername bool `json:"ask_username,omitempty" yaml:"ask_username,omitempty"`
}

// Methods of SignInSettings.
const (
	MethodPassword = "password"
	MethodPasskey  = "passkey"
	MethodEmail    = "email" // a code or link by mail
	MethodPhone    = "phone" // a code to a phone
)

// SignInSettings say how users may sign in, beside upstreams.
type SignInSettings struct {
	// Methods are any of password, passkey, email and phone; password and passkey when empty.
	Methods []string `json:"methods,omitempty" yaml:"methods,omitempty"`
	// PhoneRegions, when there are any, are the only countries of which phone numbers may
	// be, by ISO 3166 code; of the first are numbers that do not say theirs.
	PhoneRegions []string `json:"phone_regions,omitempty" yaml:"phone_regions,omitempty"`
}

// Values of PasswordSettings.SignOut.
const (
	SignOutOthers = "others"
	SignOutAll    = "all"
)

// PasswordSettings are the rules for a password's change.
type PasswordSettings struct {
	// History is how many former passwords are refused; 3 when nil.
	History *int `json:"history,omitempty" yaml:"history,omitempty"`
	// SignOut says which sessions a change ends: others (the default) or all.
	SignOut string `json:"sign_out,omitempty" yaml:"sign_out,omitempty"`
}

// Values of SecondFactorSettings.Require.
const (
	SecondFactorNever    = "never"
	SecondFactorEnrolled = "enrolled"
	SecondFactorAlways   = "always"
)

// SecondFactorSettings say when more than one proof is asked for.
type SecondFactorSettings struct {
	// Require is never, enrolled (of users who have one; the default) or always.
	Require string `json:"require,omitempty" yaml:"require,omitempty"`
	// RememberDevice is how long a browser is not asked again if its user chooses so: 30 days
	// if nil, 0 for never.
	RememberDevice *Duration `json:"remember_device,omitempty" yaml:"remember_device,omitempty"`
	// TrustUpstream lets a second factor that an upstream reports count.
	TrustUpstream bool `json:"trust_upstream,omitempty" yaml:"trust_upstream,omitempty"`
}

// SignInAsSettings say whether administrators may sign in as users, to help them.
type SignInAsSettings struct {
	// Enabled lets administrators whose role allows it sign in as users who are no administrators.
	Enabled bool `json:"enabled,omitempty" yaml:"enabled,omitempty"`
	// Notify mails the user each time.
	Notify bool `json:"notify,omitempty" yaml:"notify,omitempty"`
}

// AdministratorSettings say what the sign-in of an administrator has to be like for the console and, with tokens that
// the administrator got by signing in, for the management API. API keys and clients that act for themselves are not
// sign-ins.
type AdministratorSettings struct {
	// SecondFactor demands a sign-in with a second factor. An administrator without one sets it up first.
	SecondFactor bool `json:"second_factor,omitempty" yaml:"second_factor,omitempty"`
	// SessionLifetime is after how long an administrator has to sign in again; when the session ends if zero.
	SessionLifetime Duration `json:"session_lifetime,omitzero" yaml:"session_lifetime,omitempty"`
	// SessionIdle is the same for a browser in which the console was not used for so long.
	SessionIdle Duration `json:"session_idle,omitzero" yaml:"session_idle,omitempty"`
}

// APIKeySettings bound the API keys of users and clients.
type APIKeySettings struct {
	// Users lets users have keys of their own. Without it, those that they have do not work.
	Users bool `json:"users,omitzero" yaml:"users,omitempty"`
	// LongestLife is how long a new key lives at most: 365 days when zero.
	LongestLife Duration `json:"longest_life,omitzero" yaml:"longest_life,omitempty"`
}

// LimitSettings bound what is sent for a tenant, so that a flood at one tenant leaves room for
// the others.
type LimitSettings struct {
	// MailsPerHour is how many mails with a code may be asked for in an hour; that of the
	// server's settings when nil.
	MailsPerHour *int `json:"mails_per_hour,omitempty" yaml:"mails_per_hour,omitempty"`
	// TextsPerHour is the same for text messages.
	TextsPerHour *int `json:"texts_per_hour,omitempty" yaml:"texts_per_hour,omitempty"`
}

// Branding is what a tenant's pages look like, beside its name and logo.
type Branding struct {
	// Accent is the colour of buttons and links, such as #1f5f5b, and AccentDark the one in
	// dark mode: when empty, Accent made as light as it takes to be read there.
	Accent     string `json:"accent,omitempty" yaml:"accent,omitempty"`
	AccentDark string `json:"accent_dark,omitempty" yaml:"accent_dark,omitempty"`
	// Background is the colour around the page's card, and BackgroundDark that in dark mode.
	Background     string `json:"background,omitempty" yaml:"background,omitempty"`
	BackgroundDark string `json:"background_dark,omitempty" yaml:"background_dark,omitempty"`
	// PrivacyURI, TermsURI, HelpURI and ImprintURI are linked to below every page: https,
	// and for help mailto too.
	PrivacyURI string `json:"privacy_uri,omitempty" yaml:"privacy_uri,omitempty"`
	TermsURI   string `json:"terms_uri,omitempty" yaml:"terms_uri,omitempty"`
	HelpURI    string `json:"help_uri,omitempty" yaml:"help_uri,omitempty"`
	ImprintURI string `json:"imprint_uri,omitempty" yaml:"imprint_uri,omitempty"`
	// CSS comes after the stylesheet of the pages. It loads nothing: no url(), no @import.
	CSS string `json:"css,omitempty" yaml:"css,omitempty"`
}

// MailText is a tenant's own text of a message in one language. It is plain text with placeholders such as {link}:
// people/mail says which.
type MailText struct {
	// Message is the name of the message, such as invitation.
	Message string `json:"message" yaml:"message"`
	// Language is that of the text, such as en.
	Language string `json:"language" yaml:"language"`
	// Subject is the subject of a mail; "" for a text message.
	Subject string `json:"subject,omitempty" yaml:"subject,omitempty"`
	Body    string `json:"body" yaml:"body"`
}

// MailText returns the tenant's own text of a message, or nil.
func (t *TenantSettings) MailText(message, language string) *MailText {
	i := slices.IndexFunc(t.Mails, func(m MailText) bool { return m.Message == message && m.Language == language })
	if i < 0 {
		return nil
	}
	return &t.Mails[i]
}

// Upstream is a provider at which users of a tenant may sign in.
type Upstream struct {
	// ID is its name in URLs: its callback is /upstream/ID/callback below the issuer. Linked
	// identities refer to it: another provider needs another ID.
	ID string `json:"id" yaml:"id"`
	// Preset is google, facebook, github, microsoft, apple, discord or vk; for any other
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
	// Disabled has users neither see the provider nor come from there. What is linked stays.
	Disabled bool `json:"disabled,omitempty" yaml:"disabled,omitempty"`
}

// Upstream returns the tenant's upstream provider with the id, or nil.
func (t *TenantSettings) Upstream(id string) *Upstream {
	i := slices.IndexFunc(t.Upstreams, func(u Upstream) bool { return u.ID == id })
	if i < 0 {
		return nil
	}
	return &t.Upstreams[i]
}
