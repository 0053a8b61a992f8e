package people

import (
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Asker is who asks for a use case, as far as a use case may know. A door makes it once for
// each request, and passes it on unchanged.
type Asker struct {
	Tenant *web.Tenant
	// Actor is the id of who acts, for the audit trail: a user, a client, ActorCommand. "" is
	// the user whom the event is about.
	Actor     string
	ClientID  string // whose request the user answers; "" for none
	RequestID string
	Address   string // IP address of the client; "" for a command
	UserAgent string // header of the request; "" for a command
	Language  string // of the mails that the request causes: one that the texts exist in
	// Browser names the browser, by a hash of its binding. "" is a browser that no page was
	// shown to, an app and a command.
	Browser string
	// Formerly are the names that the browser had until a proof or a sign-out in the last hour.
	Formerly []string
	// Known reports whether the browser, or the app, has signed in to the account before, and
	// the id of the device to count its attempts by. Accounts are named as
	// DeviceAccounts names them; "" is any account. Required; KnowsNothing for commands.
	Known func(account string) (device string, ok bool)
	// SignedIn reports whether the user is signed in where the request comes from. Required by
	// use cases about codes; nil for commands.
	SignedIn func(u storage.User) (bool, error)
}

// ActorCommand is the Actor of an administrator at the command line.
const ActorCommand = "cli"

// KnowsNothing is Asker.Known of who has no device.
func KnowsNothing(string) (device string, ok bool) { return "", false }

// began reports whether the name is one that the asker's browser has, or had until a proof or
// a sign-out in the last hour; or both are no browser.
func (a Asker) began(name string) bool {
	if name == "" {
		return a.Browser == ""
	}
	return name == a.Browser || slices.Contains(a.Formerly, name)
}

// codeOwner names the asker of a code: the browser or, for an app, this very request. Each has
// a code of its own, so that a stranger who asks for one leaves the codes of others valid.
func (a Asker) codeOwner() string {
	if a.Browser != "" {
		return a.Browser
	}
	return secret.Token()
}
