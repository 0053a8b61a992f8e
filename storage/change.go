package storage

import (
	"context"
	"time"
)

// Change is a change to one person that happens whole or not at all. Empty fields change
// nothing. They apply in the order in which they stand here; what fails names the error.
// Its events are recorded if and only if it happens.
type Change struct {
	TenantID string
	UserID   string // whom it is about; "" when only a token says, which is to be revoked
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
	// Update stores all fields of the user but CreatedAt and CredentialVersion. ErrNotFound, and
	// ErrExists: the user name or e-mail is taken.
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
	// Codes are stored in the place of those for the same purpose, target and asker.
	Codes []Code
	// Consent is stored in the place of what was allowed before. ErrNotFound: there is no such
	// person or client.
	Consent *Consent
	// AddSession stores a session of the user. ErrExists, and ErrNotFound: there is no such user.
	AddSession *Session
	// RenewSession renews a session of the user. ErrStale: it has ended, or was renewed meanwhile.
	RenewSession *SessionRenewal
	// EndSessions ends sessions; grants without offline_access die with them. ErrStale.
	EndSessions *SessionFilter
	// Withdraw is the id of a client: it forgets the person's consent to it, and revokes the
	// client's grants of that person. ErrNotFound when there was neither: of two at once, one
	// withdraws and the other is told so. AllIDs withdraws every consent, and is never ErrNotFound.
	Withdraw string
	// Revoke revokes the living grants that each filter names. A code that is redeemed at the
	// same moment escapes neither, if the sessions or consents that it rests on end here, too.
	Revoke []Revocation
	// Remove deletes the user and all that hangs on the user, for ever: the id is never given
	// again. The user, credentials, identities and codes are gone when the change has happened; of
	// many sessions and grants some rows go later (Removals).
	Remove bool

	Deliveries []Delivery
	Events     []Event
	// OnEnd, when not nil, is told what the change has ended.
	OnEnd OnEnd
}

// OnEnd is called inside the transaction that ends sessions and grants. What it returns is stored with that,
// and so is never lost. The transaction may be repeated: OnEnd only computes. A change tells of what
// EndSessions, Withdraw and Revoke end, and of the user's sessions when Raise or Remove end them all.
//
// The removal of a client or a tenant tells nothing: who would have to learn of it is gone as well.
type OnEnd func(Ended) ([]Delivery, []Event)

// SessionFilter names living sessions: those with the IDs, or without IDs all of the person's.
type SessionFilter struct {
	IDs []string
	// Except stays, of all the person's sessions. ErrStale, and nothing is done, when it has ended
	// itself: of two sessions that end each other at the same time, one lives on.
	Except string
}

// SessionRenewal gives the living session ID, whose SecretHash is still Was, the SecretHash,
// CredentialVersion, AuthTime, AMR, ACR, UserAgent, IP, SeenAt and ExpiresAt of Session: the user
// has signed in again. What hangs on the session, such as the grants of other clients, lives on.
type SessionRenewal struct {
	Session
	Was []byte
}

// Revocation names grants that are revoked, and says why.
type Revocation struct {
	GrantFilter
	Why string
}

// Ended is what has ended in one transaction. Of more than a few hundred sessions or grants the last end in
// parts after the change (Removals), each of which is told for itself.
type Ended struct {
	Sessions []EndedSession
	Grants   []EndedGrant
	Later    bool // it is a part after the change
}

// EndedSession is a session that was alive until now.
type EndedSession struct {
	ID, UserID string
	Clients    []string // ids of those that were ever granted something in it
}

// EndedGrant is a grant that was revoked.
type EndedGrant struct{ ID, UserID, ClientID, SessionID string }

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
	// Apply makes the change. Sessions and grants that are too many for one transaction end one
	// part after the other; when the context ends before the last, the rest ends later (Removals),
	// and is no error.
	Apply(ctx context.Context, c Change) error
}
