package storage

import "time"

// Interaction is what the pages may know of an authorization request that waits for a user. It is never
// stored: it travels as a sealed letter in the parameter i, which package provider/authorize writes and
// opens.
type Interaction struct {
	TenantID string
	Letter   string    // the i parameter, to carry along
	Started  time.Time // the letter's birth
	// Late says that the letter's lifetime is over: ContinueURL begins the request anew.
	Late   bool
	Client Client
	// Unverified says that no administrator vouches for the client. Publisher is the host that its id names; "" for a
	// client whose id is no URL of its metadata.
	Unverified bool
	Publisher  string
	// Device is the device that asks, and shows a code that the user has typed; nil for a browser.
	Device *AskingDevice
	// MayStay says that the user may let the client stay connected beyond the session, for which it doesn't ask.
	MayStay bool
	Scopes  []string // asked for
	Claims  []string // names asked for by the claims parameter
	// Resources are the identifiers of the APIs asked for by the parameter resource.
	Resources []string
	// RedirectURI is where the answer goes: a form's target in the end, which its
	// Content-Security-Policy has to allow.
	RedirectURI string
	// Subjects are the ids of the users that the request is about; no other user settles it. Nil for
	// any user.
	Subjects []string
	// LoginHint, UILocales, Display and Prompt are the parameters of OIDC Core 3.1.2.1.
	LoginHint string
	UILocales []string
	Display   string
	Prompt    []string
	// Fresh says that a user who is signed in has to sign in anew: prompt=login, or a max_age of a few
	// minutes.
	Fresh bool
	// ACR is the weakest acr that settles the request, one of ACRs; "" for any.
	ACR string
	// ContinueURL is where a page sends the browser when its step is settled.
	ContinueURL string
	// AllowURL is ContinueURL for the page of the consent: no other page may send the browser there.
	AllowURL string
	// CancelURL is where it sends one that declines: the client gets access_denied.
	CancelURL string
}

// AskingDevice is a device without a browser that asks for tokens (RFC 8628).
type AskingDevice struct {
	UserCode string // as the device shows it
	// IP and UserAgent are those of its request.
	IP        string
	UserAgent string
}
