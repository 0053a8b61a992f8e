package storage

import (
	"context"
	"time"
)

// Change is a change to one user, or adds many. It happens whole or not at all. Empty fields change nothing. The others
// apply in the order in which they stand here; the first that fails decides the error. The events of the
// change are recorded if and only if it happens.
type Change struct {
	TenantID string
	UserID   string // the user that it is about; "" if only sessions or grants are named
	Now      time.Time

	// Code is the id of a code that the change uses up. ErrStale: the code was used, was replaced or
	// has expired.
	Code string
	// Invitation is the id of one more code that the change uses up: that of the invitation whose groups and roles it
	// gives, if another code proves the address. ErrStale as for Code.
	Invitation string
	// Spend marks values. ErrStale: one was spent before.
	Spend []Spent
	// Add stores a new user. ErrExists: the id, external id, user name or e-mail is taken.
	Add *User
	// AddAll stores new users together, with what proves them, all or none. UserID is "" then. ErrExists as for Add:
	// the error does not say of which user.
	AddAll []NewUser
	// Numbers are stored: those of added users that another product gave, and of users that were removed there. A
	// number that ReserveNumber holds is given, too. ErrExists: a number, or a user, has another one.
	Numbers []AccountNumber
	// LastUses say when added users signed in last, at another product.
	LastUses []LastUse
	// Version, unless nil, is the CredentialVersion that the user must still have; the user must also
	// be enabled. ErrStale otherwise.
	Version *int64
	// Secured says that Version accepts a user who is disabled because the account was secured.
	Secured bool
	// Raise raises the CredentialVersion, which ends all sessions and grants, and forgets
	// the codes about the user.
	Raise bool
	// ForgetCodes forgets the codes about the user, as Raise does.
	ForgetCodes bool
	// ForgetDevices forgets what the user allowed devices that have not fetched it yet (CodeDeviceSettled).
	ForgetDevices bool
	// Update stores all fields of the user but ExternalID, AdminRole, CreatedAt and CredentialVersion. ErrNotFound,
	// and ErrExists: the user name or e-mail is taken.
	Update *User
	// RoleWas, unless nil, is the AdminRole that the user must still have, because it decided that this change is
	// allowed. ErrStale otherwise. The role stays until the change is made.
	RoleWas *string
	// SetAdmin is the user's new AdminRole. ErrNotFound: there is no such user. A change that takes the role from
	// the last owner who can sign in, or disables or removes that owner, fails with ErrLastOwner: also if two such
	// changes are made at the same time.
	SetAdmin *string
	// UpdateOf is the UpdatedAt with which the user of Update was read: if it has changed since, the error is
	// ErrStale, and the caller reads again. Zero: Update replaces whatever is stored. Raise changes it, too.
	UpdateOf time.Time
	// Unique, unless nil, replaces the values that only this user may have, by the name of the attribute.
	// ErrExists: another user has one.
	Unique map[string]string
	// Leave ends memberships, and Join begins some. AllIDs as Upstream ends those from every source. What the
	// user is not a member of, or is one of already, changes nothing. ErrNotFound: Join names no group.
	Leave []Membership
	Join  []Membership
	// TakeRoles and GiveRoles take and give roles. What the user does not have, or has already, changes nothing.
	// ErrNotFound: GiveRoles names no role.
	TakeRoles []RoleName
	GiveRoles []RoleName
	// RemoveCredentials removes credentials, before others are stored.
	RemoveCredentials []CredentialKey
	// RemoveAdded removes what was added since a point in time, before anything is stored.
	RemoveAdded *Added
	// Credentials are stored, and replace those with the same kind and id.
	Credentials []Credential
	// Swap replaces credentials whose data has not changed. ErrStale otherwise.
	Swap []CredentialSwap
	// Unlink and Link remove and add identities. ErrNotFound if the user does not have the identity, and
	// ErrExists if a user has it already, this one included. AllIDs as Provider unlinks all. Memberships that a
	// provider gave end with the user's last identity there.
	Unlink []Identity
	Link   []Identity
	// Codes are stored, and replace those for the same purpose, target and asker.
	Codes []Code
	// RemoveAPIKey removes a key. ErrNotFound: the owner has no such key. AllIDs never fails with it.
	RemoveAPIKey *APIKeyName
	// ReplaceAPIKey says that another key replaces one. ErrStale: it was replaced already, or is gone.
	ReplaceAPIKey *APIKeyReplacement
	// AddAPIKey stores a key of the user, or of the client that it names. ErrNotFound: there is no such owner, or the
	// owner is disabled. ErrExists: the id or the hash is taken.
	AddAPIKey *APIKey
	// AppLogin is what an app stores of the user, and replaces what is stored. ErrExists: another user has the login.
	AppLogin *AppLogin
	// Consent is stored, and replaces the user's former consent to the client. ErrNotFound: there is
	// no such user or client.
	Consent *Consent
	// AddSession stores a session of the user. ErrExists, and ErrNotFound: there is no such user.
	AddSession *Session
	// RenewSession renews a session of the user. ErrStale: it has ended, or was renewed meanwhile.
	RenewSession *SessionRenewal
	// EndSessions ends sessions, and with them their grants without offline_access. ErrStale: see
	// SessionFilter.
	EndSessions *SessionFilter
	// RemoveActed is the id of a session of the user with an Act. It is deleted after it has ended: what is
	// recorded in this change is its end. ErrStale: there is none, or another change recorded that.
	RemoveActed string
	// Withdraw is the id of a client. The user's consent to the client is removed, and the client's grants
	// of that user are revoked. ErrNotFound if there was neither: of two withdrawals at the same time,
	// one succeeds. AllIDs withdraws every consent, and never fails with ErrNotFound.
	Withdraw string
	// Revoke revokes the living grants that each filter names. That includes the grant of a code that is
	// redeemed at the same moment, if the session or consent of the code ends in this change, too.
	Revoke []Revocation
	// Remove deletes the user and all records of the user. The id is never used again. The user,
	// credentials, identities and codes are gone after the change; if there are many sessions and
	// grants, some of their rows are deleted later (Removals).
	Remove bool

	Deliveries []Delivery
	Events     []Event
	// OnEnd, when not nil, is told what the change has ended.
	OnEnd OnEnd
}

// OnEnd is called inside the transaction that ends sessions and grants. What it returns is stored in that
// transaction, and so is never lost. The transaction may be repeated: OnEnd must have no effects of its own.
// A change reports what EndSessions, Withdraw and Revoke end, and all of the user's sessions if Raise or
// Remove ends them.
//
// The removal of a client or a tenant reports nothing: the clients that would have to know are removed as well.
type OnEnd func(Ended) ([]Delivery, []Event)

// SessionFilter names living sessions: those with the IDs, or without IDs all sessions of the user.
type SessionFilter struct {
	IDs []string
	// Except is the id of a session that stays, if all sessions of the user end. If it has ended itself,
	// the change fails with ErrStale: of two sessions that end each other at the same time, one lives on.
	Except string
}

// SessionRenewal gives the living session ID, whose SecretHash is still Was, the SecretHash,
// CredentialVersion, AuthTime, AMR, ACR, UserAgent, IP, SeenAt and ExpiresAt of Session: the user
// has signed in again. What depends on the session, such as the grants of other clients, stays alive.
type SessionRenewal struct {
	Session
	Was []byte
}

// Revocation names grants that are revoked, and says why.
type Revocation struct {
	GrantFilter
	Why string
}

// Ended is what one transaction has ended. Of more than a few hundred sessions or grants the last ones end in
// parts after the change (Removals), and each part is reported for itself.
type Ended struct {
	Sessions []EndedSession
	Grants   []EndedGrant
	Later    bool // this is a part after the change
}

// EndedSession is a session that was alive and has ended.
type EndedSession struct {
	ID, UserID string
	Clients    []string // ids of the clients that have, or had, a grant of the session
}

// EndedGrant is a grant that was revoked.
type EndedGrant struct{ ID, UserID, ClientID, SessionID string }

// Added is what was added to a user since a point in time: credentials of the kinds, identities,
// and consents.
type Added struct {
	Since time.Time
	Kinds []string
}

// CredentialKey names a credential of the user. AllIDs as ID names all credentials of the kind.
type CredentialKey struct{ Kind, ID string }

// AllIDs is the ID that stands for all ids.
const AllIDs = "*"

// CredentialSwap replaces Data and ExpiresAt of a credential whose Data is still Was.
type CredentialSwap struct {
	Credential
	Was []byte
}

// Changes makes changes.
type Changes interface {
	// Apply makes the change. If there are too many sessions and grants for one transaction, the rest
	// ends part after part before Apply returns. If the context ends first, that is no error: the rest
	// ends later (Removals).
	Apply(ctx context.Context, c Change) error
}

// NewUser is a user who is added together with others, as imports do: see AddAll of Change.
type NewUser struct {
	User
	Credentials []Credential
	Identities  []Identity
	// Unique is as in a Change.
	Unique map[string]string
}

// LastUse says when a user signed in last.
type LastUse struct {
	UserID   string
	SignedIn time.Time
}
