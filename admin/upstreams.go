package admin

import "github.com/vouchsafe/vouchsafe/storage"

// branding is storage.Branding with room for its CSS.
type branding struct {
	Accent         string `json:"accent,omitempty" doc:"The colour of buttons and links." example:"#1f5f5b"`
	AccentDark     string `json:"accent_dark,omitempty" doc:"The same in dark mode."`
	Background     string `json:"background,omitempty" doc:"The colour around the page's card."`
	BackgroundDark string `json:"background_dark,omitempty" doc:"The same in dark mode."`
	PrivacyURI     string `json:"privacy_uri,omitempty" max:"2048" doc:"A link below every page."`
	TermsURI       string `json:"terms_uri,omitempty" max:"2048" doc:"A link below every page."`
	HelpURI        string `json:"help_uri,omitempty" max:"2048" doc:"A link below every page."`
	ImprintURI     string `json:"imprint_uri,omitempty" max:"2048" doc:"A link below every page."`
	CSS            string `json:"css,omitempty" max:"32768" doc:"It comes after the stylesheet of the pages."`
}

// mailText is storage.MailText with room for its body.
type mailText struct {
	Message  string `json:"message" need:"true" max:"64" doc:"The name of the message, such as invitation."`
	Language string `json:"language" need:"true" max:"8" doc:"The language of the text, such as en."`
	Subject  string `json:"subject,omitempty" doc:"The subject of an email. Text messages have none."`
	Body     string `json:"body" need:"true" max:"16384" doc:"Plain text with placeholders, such as {link}."`
}

// upstream is a provider at which users may sign in. Its members are those of tenants.yaml.
type upstream struct {
	ID string `json:"id" need:"true" max:"64" doc:"Its name in URLs."`
	upstreamFields
}

// upstreamFields are what administrators write about an upstream.
type upstreamFields struct {
	Preset       string            `json:"preset,omitempty" doc:"google, facebook, github, microsoft, apple, discord, vk or oidc."`
	Name         string            `json:"name,omitempty" doc:"The text of its button."`
	Issuer       string            `json:"issuer,omitempty" max:"2048" doc:"The provider's issuer."`
	ClientID     string            `json:"client_id" need:"true" doc:"The id that the provider gave."`
	ClientSecret string            `json:"client_secret,omitempty" secret:"true" max:"8192" doc:"The secret that the provider gave. It is never shown. Without it, the one that is stored stays, unless preset or issuer change."`
	Audiences    []string          `json:"audiences,omitempty" doc:"Further client ids there, of apps."`
	TeamID       string            `json:"team_id,omitempty" doc:"Of Apple's key."`
	KeyID        string            `json:"key_id,omitempty" doc:"Of Apple's key."`
	Scopes       []string          `json:"scopes,omitempty" doc:"Asked for in place of the preset's."`
	Claims       map[string]string `json:"claims,omitempty" doc:"The provider's claims, by the names of ours."`
	Groups       map[string]string `json:"groups,omitempty" doc:"Groups of ours, by the names of the provider's."`
	GroupsClaim  string            `json:"groups_claim,omitempty" doc:"The claim with the provider's groups."`

	AuthoritativeDomains []string `json:"authoritative_domains,omitempty" doc:"Domains of addresses about which the provider has the last word."`
	Domains              []string `json:"domains,omitempty" doc:"The only domains of addresses that may come from here."`
	DistrustEmail        bool     `json:"distrust_email,omitempty" doc:"Every address is confirmed by an email."`
	SignUp               string   `json:"sign_up,omitempty" doc:"open or closed."`
	RefreshProfile       bool     `json:"refresh_profile,omitempty" doc:"Name and picture are brought up to date at every sign-in."`
	Disabled             bool     `json:"disabled,omitempty" doc:"Users neither see the provider nor come from there. What is linked stays."`
}

func fieldsOfUpstream(u storage.Upstream) upstream {
	return upstream{u.ID, upstreamFields{
		Preset: u.Preset, Name: u.Name, Issuer: u.Issuer, ClientID: u.ClientID, Audiences: u.Audiences,
		TeamID: u.TeamID, KeyID: u.KeyID, Scopes: u.Scopes, Claims: u.Claims,
		Groups: u.Groups, GroupsClaim: u.GroupsClaim,
		AuthoritativeDomains: u.AuthoritativeDomains, Domains: u.Domains, DistrustEmail: u.DistrustEmail,
		SignUp: u.SignUp, RefreshProfile: u.RefreshProfile, Disabled: u.Disabled,
	}}
}

// record returns the upstream as it is stored, without its secret.
func (u upstream) record() storage.Upstream {
	return storage.Upstream{
		ID: u.ID, Preset: u.Preset, Name: u.Name, Issuer: u.Issuer, ClientID: u.ClientID, Audiences: u.Audiences,
		TeamID: u.TeamID, KeyID: u.KeyID, Scopes: u.Scopes, Claims: u.Claims,
		Groups: u.Groups, GroupsClaim: u.GroupsClaim,
		AuthoritativeDomains: u.AuthoritativeDomains, Domains: u.Domains, DistrustEmail: u.DistrustEmail,
		SignUp: u.SignUp, RefreshProfile: u.RefreshProfile, Disabled: u.Disabled,
	}
}
