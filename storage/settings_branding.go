package storage

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
