package secret

import "iter"

// Purpose is what a Box seals or authenticates. Each purpose has one use, and a value that was made
// for one purpose is refused for every other. TestPurposes checks that.
type Purpose uint8

// The purposes. Values for a stored purpose may outlive a master secret, and package reseal seals
// them anew. All other values are held by browsers, apps and clients, and expire soon.
const (
	_                    Purpose = iota
	SigningKey                   // the private halves of a tenant's keys
	UpstreamSecret               // client secrets at upstream providers
	TOTP                         // the secrets of users' authenticator apps
	RecoveryCodes                // users' recovery codes
	Passkey                      // users' passkeys
	Mail                         // mails and text messages that wait to be sent
	MailedCode                   // codes that were mailed or texted, and what confirming them does
	DeviceRequest                // what a device asks for while its user decides
	AuthorizationRequest         // an authorization request that waits for the user, as the parameter i=
	PushedRequest                // an authorization request that its client pushed, as the parameter request_uri=
	AuthorizationCode            // an authorization code
	AuthorizedOnce               // the code that a request has led to, for a second click on its button
	AccessToken                  // opaque access tokens
	RefreshToken                 // MACs of refresh tokens
	LogoutRequest                // a sign-out that waits for the user's confirmation
	LogoutPosted                 // a sign-out request that arrived as a form
	PendingSignIn                // the first factor of a sign-in that waits for the second
	AuthSession                  // auth_session, the same for apps
	TOTPSetup                    // the secret of an authenticator app that is being set up
	PasskeyChallenge             // the challenge that a passkey signs
	UpstreamTrip                 // the state of a round trip to an upstream provider
	UpstreamPosted               // an upstream provider's answer that arrived as a form
	UpstreamStranger             // an upstream identity that has no account here yet
	Disavowal                    // the link "This wasn't me" in a mail
	ResetReview                  // the right to review an account after a password reset
	KnownBrowser                 // MACs of the accounts that a browser has signed in to
	FirstAdministrator           // the link with which the first administrator is made
	DeveloperPage                // the key that opens the developer page
	TypedName                    // the name that a user typed on the first page of the sign-in
	ListCursor                   // a place in a list of the management API
	RefusedForm                  // what a form's page says after a refusal, on the way there
	ShownCodes                   // new recovery codes, on the way to the page that shows them
	ShownAPIKey                  // a new API key, on the way to the page that shows it
	ActingTicket                 // the link by which an administrator signs in as a user
	GatewaySession               // the cookie of the gateway at an app's host
	GatewayTrip                  // a sign-in that the gateway has begun: its state and its code verifier
	WebhookSecret                // the secrets that sign what webhooks are sent
	RepeatableRequest            // MACs of requests with an Idempotency-Key, kept for a day
	DelegatedReset               // tokens to reset a password, which an app delivers
	DelegatedSignIn              // tokens to sign in, which an app delivers
	DelegatedSession             // the session that a browser keeps for apps of Keratin AuthN
	AppSession                   // the key that signs the token of the app of a tenant
	AppUserToken                 // MACs from which the keys are made that sign tokens of such an app's users
	ConsoleCursor                // a place in a list of the console
	ConsoleNotice                // what a page of the console says after a change, on the way there
	ConsoleUse                   // when a browser used the console last
	ImportedFile                 // a file of users that an administrator gave to a server, kept for a day
	PairwiseKey                  // the key from which pairwise subject identifiers are made
	DPoPNonce                    // MACs of the minutes in which nonces for proofs of possession are given
	TokenOrigin                  // what an access token rests on that was given for other tokens
)

// purposes are the names of the purposes. Keys are derived from them, so that a name must never
// change.
var purposes = [...]struct {
	name   string
	stored bool
	// was is an earlier name of the purpose. What was sealed under it still opens.
	was string
}{
	SigningKey:           {name: "signing-key", stored: true},
	UpstreamSecret:       {name: "upstream", stored: true},
	TOTP:                 {name: "totp", stored: true},
	RecoveryCodes:        {name: "recovery", stored: true},
	Passkey:              {name: "passkey", stored: true},
	Mail:                 {name: "mail", stored: true},
	MailedCode:           {name: "mailed-code", stored: true, was: "code"},
	DeviceRequest:        {name: "device-request", stored: true},
	AuthorizationRequest: {name: "authorization-request"},
	PushedRequest:        {name: "pushed-request"},
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
	TypedName:            {name: "typed-name"},
	ListCursor:           {name: "list-cursor"},
	RefusedForm:          {name: "refused-form"},
	ShownCodes:           {name: "shown-codes"},
	ShownAPIKey:          {name: "shown-api-key"},
	ActingTicket:         {name: "acting-ticket"},
	GatewaySession:       {name: "gateway-session"},
	GatewayTrip:          {name: "gateway-trip"},
	WebhookSecret:        {name: "webhook", stored: true},
	RepeatableRequest:    {name: "repeatable-request"},
	DelegatedReset:       {name: "delegated-reset"},
	DelegatedSignIn:      {name: "delegated-sign-in"},
	DelegatedSession:     {name: "delegated-session"},
	AppSession:           {name: "app-session", stored: true},
	AppUserToken:         {name: "app-user-token"},
	ConsoleCursor:        {name: "console-cursor"},
	ConsoleNotice:        {name: "console-notice"},
	ConsoleUse:           {name: "console-use"},
	ImportedFile:         {name: "imported-file"},
	PairwiseKey:          {name: "pairwise-key", stored: true},
	DPoPNonce:            {name: "dpop-nonce"},
	TokenOrigin:          {name: "token-origin"},
}

// String returns the purpose's name.
func (p Purpose) String() string { return purposes[p].name }

// Stored reports whether values for the purpose are stored in the database, where they may outlive
// a master secret.
func (p Purpose) Stored() bool { return purposes[p].stored }

// Purposes returns all purposes.
func Purposes() iter.Seq[Purpose] {
	return func(yield func(Purpose) bool) {
		for p := range Purpose(len(purposes)) {
			if purposes[p].name != "" && !yield(p) {
				return
			}
		}
	}
}
