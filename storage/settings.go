package storage

// TenantSettings are a tenant's rules and looks, as tenants.yaml has them. What is left
// out has its default.
type TenantSettings struct {
	SignUp       SignUpSettings       `json:"sign_up,omitzero" yaml:"sign_up,omitempty"`
	SignIn       SignInSettings       `json:"sign_in,omitzero" yaml:"sign_in,omitempty"`
	Passwords    PasswordSettings     `json:"passwords,omitzero" yaml:"passwords,omitempty"`
	SecondFactor SecondFactorSettings `json:"second_factor,omitzero" yaml:"second_factor,omitempty"`
	Limits       LimitSettings        `json:"limits,omitzero" yaml:"limits,omitempty"`
	Branding     Branding             `json:"branding,omitzero" yaml:"branding,omitempty"`
	Upstreams    []Upstream           `json:"upstreams,omitempty" yaml:"upstreams,omitempty"`
	// Claims are rows that the tenant adds to the table of claims, for its clients.
	Claims []ClaimRule `json:"claims,omitempty" yaml:"claims,omitempty"`
	// Attributes are what the tenant stores about its users beside their profile.
	Attributes []Attribute `json:"attributes,omitempty" yaml:"attributes,omitempty"`
	// APIs are what access tokens can be for.
	APIs []API `json:"apis,omitempty" yaml:"apis,omitempty"`
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
