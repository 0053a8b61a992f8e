package people

import (
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Asker is who asks for a use case, as far as a use case may know. A door makes it once for
// each request, and passes it on unchanged.
type Asker struct {
	Tenant *issuer.Tenant
	// Actor is the id of the user, client or ActorCommand that acts, for the audit trail. "" stands
	// for the user that the event is about.
	Actor string
	// Judged is the user that the door lets the asker change because of the user's role as an administrator; nil if it
	// lets the asker change any. A change of that user fails with storage.ErrStale if the role is another by then.
	Judged    *storage.User
	ClientID  string // whose request the user answers; "" for none
	RequestID string
	IP        string // the client's address; "" for a command
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

// ActorSetup is the Actor of the first administrator, who makes an account by the link of a new installation.
const ActorSetup = "setup"

// Began reports whether the name is one that the asker's browser has, or had until a proof or
// a sign-out in the last hour; or both are no browser.
func (a Asker) Began(name string) bool {
	if name == "" {
		return a.Browser == ""
	}
	return name == a.Browser || slices.Contains(a.Formerly, name)
}

// RoleWas returns the role that the user must still have for the asker to be allowed a change; nil if it may be any.
func (a Asker) RoleWas(userID string) *string {
	if a.Judged == nil || a.Judged.ID != userID {
		return nil
	}
	return &a.Judged.AdminRole
}

// codeOwner names the asker of a code: the browser or, for an app, this very request. Each has
// a code of its own, so that a stranger who asks for one leaves the codes of others valid.
func (a Asker) codeOwner() string {
	if a.Browser != "" {
		return a.Browser
	}
	return secret.Token()
}

// productName is what no password may consist of.
const productName = "Vouchsafe"

// UsesPasswords reports whether users of the tenant sign in by password.
func (a Asker) UsesPasswords() bool {
	methods := a.Tenant.Settings.SignIn.Methods
	return len(methods) == 0 || slices.Contains(methods, storage.MethodPassword)
}

// offers reports whether users of the tenant may sign in by the method.
func (a Asker) offers(method string) bool {
	methods := a.Tenant.Settings.SignIn.Methods
	if len(methods) == 0 {
		methods = []string{storage.MethodPassword, storage.MethodPasskey}
	}
	return slices.Contains(methods, method)
}

// Fault is what is wrong with one thing that was entered.
type Fault struct {
	Field string // its name in forms and in JSON
	Text  string // the id of the text that says so
	Args  []any  // of that text
}

// Faults says what is wrong with what was entered.
type Faults []Fault

func (Faults) Error() string { return "invalid input" }

// Invalid returns Faults with one fault.
func Invalid(field, text string, args ...any) error { return Faults{{field, text, args}} }

// Refusal is the reason why nothing was done: the id of the text that says it to the user.
type Refusal string

func (r Refusal) Error() string { return "refused: " + string(r) }

// ErrWrongCode is every reason why a code or link does not work: it never existed, is for
// something else, was used, replaced, tried too often, or is too old.
const ErrWrongCode = Refusal("confirm.wrong")

// WrongCode is ErrWrongCode for digits that were compared: the code that was sent can be tried Left times more.
type WrongCode struct{ Left int }

func (*WrongCode) Error() string { return ErrWrongCode.Error() }

// Unwrap returns ErrWrongCode.
func (*WrongCode) Unwrap() error { return ErrWrongCode }

// ErrChangedMeanwhile says that another request changed the account at the same time.
const ErrChangedMeanwhile = Refusal("account.other")

// Limited says that an attempt came too early.
type Limited struct {
	Wait time.Duration
	// Resend says that no attempts are used up: the code before was sent a moment ago.
	Resend bool
}

func (*Limited) Error() string { return "too many attempts" }

// ErrNotOffered says that the tenant does not let its users do this.
const ErrNotOffered = Refusal("problem.not_offered")

const maxEmail = address.MaxLength

// ClaimAs reads the address that a user enters as theirs. What is wrong with it is a fault of
// the form's field, which none says when it is no address at all.
func ClaimAs(field, typed, none string) (address.Claimed, error) {
	c, err := address.Claim(typed)
	switch {
	case errors.Is(err, address.ErrSpecial):
		return c, Invalid(field, "email.special")
	case err != nil:
		return c, Invalid(field, none)
	}
	return c, nil
}

// RecipientOf returns where a user reads mail; "" when nothing can be sent there.
func RecipientOf(u storage.User) address.Recipient {
	a, err := address.Read(u.Email)
	if err != nil {
		return ""
	}
	return a.Recipient()
}

// NormalName returns the key of a name that was typed and may be an address or a user name; ok is
// false if it is neither.
func NormalName(s string) (key string, ok bool) {
	if a, err := address.Read(s); err == nil {
		return a.Key(), true
	}
	return username.Key(s)
}

// OfDomain reports whether the address is of one of the domains, or may be of any.
func OfDomain(email address.Claimed, domains []string) bool {
	return len(domains) == 0 || slices.Contains(domains, email.Domain())
}
