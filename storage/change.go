package storage

import (
	"context"
	"time"
)

// Change is a change to one person that happens whole or not at all. Empty fields change
// nothing. They apply in the order in which they stand here; what fails names the error.
type Change struct {
	TenantID string
	UserID   string // whom it is about
	Now      time.Time

	// Code is the id of a code that the change uses up. ErrStale: it is gone, replaced or
	// expired.
	Code string
	// Spend marks values. ErrStale: one was spent before.
	Spend []Spent
	// Add is the person, when new. ErrExists: id, user name or e-mail is taken.
	Add *User
	// Version, when not nil, is the CredentialVersion that the person must still have, and
	// be enabled. ErrStale otherwise.
	Version *int64
	// Secured says that the person may be disabled, if that is because they were secured.
	Secured bool
	// Raise raises the CredentialVersion, which ends all sessions and grants, and forgets
	// the codes about the person.
	Raise bool
	// ForgetCodes forgets the codes about the person, as Raise does.
	ForgetCodes bool
	// Update stores the person's fields as UpdateUser does. ErrNotFound, ErrExists.
	Update *User
	// RemoveCredentials come before those that are stored.
	RemoveCredentials []CredentialKey
	// RemoveAdded removes what was added since a moment, before anything is stored.
	RemoveAdded *Added
	// Credentials are stored in the place of those with the same kind and id.
	Credentials []Credential
	// Swap stores credentials whose data is still what it was. ErrStale otherwise.
	Swap []CredentialSwap
	// Unlink and Link remove and add identities. ErrNotFound, and ErrExists: somebody has
	// it, this person included. AllIDs as Provider unlinks all that there are.
	Unlink []Identity
	Link   []Identity
	// Codes are stored as PutCode does.
	Codes []Code
	// Remove deletes the person as RemoveUser does.
	Remove bool

	Mails  []Mail
	Events []Event
}

// Added is what was added to a person since a moment: credentials of the kinds, identities,
// and consents.
type Added struct {
	Since time.Time
	Kinds []string
}

// CredentialKey names a person's credential; AllIDs as ID names all of the kind.
type CredentialKey struct{ Kind, ID string }

// AllIDs is the ID that stands for all.
const AllIDs = "*"

// CredentialSwap replaces a credential whose Data is Was.
type CredentialSwap struct {
	Credential
	Was []byte
}

// Changes makes them.
type Changes interface {
	Apply(ctx context.Context, c Change) error
}
