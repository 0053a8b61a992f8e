package secret

import "iter"

// Purpose is what a Box is for. Each has one use, so that what was made for one is refused
// by all others; TestPurposes keeps it so.
type Purpose uint8

// The purposes. What is stored has to outlive a change of the master secret, and is sealed
// anew then; the others are held by browsers, apps and clients, and end by their age.
const (
	_                    Purpose = iota
	SigningKey                   // the private halves of a tenant's keys
	UpstreamSecret               // client secrets at upstream providers
	TOTP                         // what a person's authenticator app holds
	RecoveryCodes                // a person's recovery codes
	Passkey                      // a person's passkeys
	Mail                         // what waits to be sent
	MailedCode                   // codes that went by mail or to a phone, and what they set in motion
	AuthorizationRequest         // a request that waits, as i=
	AuthorizationCode            // what a client redeems
	AuthorizedOnce               // the code that a request gave, for a second click
	AccessToken                  // opaque access tokens
	RefreshToken                 // MACs of refresh tokens
	LogoutRequest                // a sign-out that waits for a yes
	LogoutPosted                 // a sign-out that came as a form
	PendingSignIn                // a first proof that waits for the second
	AuthSession                  // the same for apps
	TOTPSetup                    // a secret on its way to an authenticator app
	PasskeyChallenge             // what a passkey signs
	UpstreamTrip                 // the round trip to an upstream provider
	UpstreamPosted               // an upstream provider's answer that came as a form
	UpstreamStranger             // an identity that belongs to nobody yet
	Disavowal                    // "This was not me", as a link in a mail
	ResetReview                  // who may look over an account after a reset
	KnownBrowser                 // MACs of accounts that a browser signed in to before
	FirstAdministrator           // the link that makes the first administrator
	DeveloperPage                // what opens the developer page
)

// purposes are their names, from which keys are derived: a name never changes.
var purposes = [...]struct {
	name   string
	stored bool
	// was is the name of what was stored before; it opens, and seals nothing.
	was string
}{
	SigningKey:           {name: "signing-key", stored: true},
	UpstreamSecret:       {name: "upstream", stored: true},
	TOTP:                 {name: "totp", stored: true},
	RecoveryCodes:        {name: "recovery", stored: true},
	Passkey:              {name: "passkey", stored: true},
	Mail:                 {name: "mail", stored: true},
	MailedCode:           {name: "mailed-code", stored: true, was: "code"},
	AuthorizationRequest: {name: "authorization-request"},
	AuthorizationCode:    {name: "code"},
	AuthorizedOnce:       {name: "authorized"},
	AccessToken:          {name: "access-token"},
	RefreshToken:         {name: "refresh-token"},
	LogoutRequest:        {name: "logout-request"},
	LogoutPosted:         {name: "logout-posted"},
	PendingSignIn:        {name: "pending-sign-in"},
	AuthSession:          {name: "auth-session"},
	TOTPSetup:            {name: "totp-setup"},
	PasskeyChallenge:     {name: "passkey-challenge"},
	UpstreamTrip:         {name: "upstream-trip"},
	UpstreamPosted:       {name: "upstream-posted"},
	UpstreamStranger:     {name: "upstream-stranger"},
	Disavowal:            {name: "not-me"},
	ResetReview:          {name: "reset-review"},
	KnownBrowser:         {name: "device"},
	FirstAdministrator:   {name: "setup"},
	DeveloperPage:        {name: "developer-page"},
}

// String is the purpose's name.
func (p Purpose) String() string { return purposes[p].name }

// Stored says whether what is made for the purpose lies in the database, where it may
// become older than a master secret.
func (p Purpose) Stored() bool { return purposes[p].stored }

// Purposes are all that there are.
func Purposes() iter.Seq[Purpose] {
	return func(yield func(Purpose) bool) {
		for p := range Purpose(len(purposes)) {
			if purposes[p].name != "" && !yield(p) {
				return
			}
		}
	}
}
