package people

import (
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// Asker is who asks for a use case, as far as a use case may know. A door makes it once for
// each request, and passes it on unchanged.
type Asker struct {
	Tenant *issuer.Tenant
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
	// Kept is what came with the request of what the browser or the app keeps.
	Kept Kept
}

// Kept is what a browser or an app keeps for Vouchsafe, and sends with each request: cookies, or
// what is sealed in an app's auth_session. A use case that returns one says what is to be
// kept from then on. Each value is "" for none, and opaque to the door.
type Kept struct {
	// Sessions are the secrets of the sessions that a browser holds; an app holds none.
	Sessions string `json:"-"`
	// Known has marks of the accounts that the device has signed in to.
	Known string `json:"d,omitempty"`
	// Remembered spares the device the second factor of users who wished so.
	Remembered string `json:"m,omitempty"`
	// Pending is a first proof that waits for a second.
	Pending string `json:"w,omitempty"`
}

// ActorCommand is the Actor of an administrator at the command line.
const ActorCommand = "cli"

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
