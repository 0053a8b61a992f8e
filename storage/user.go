package storage

import (
	"context"
	"time"
)

// RoleAdmin is the role of users who manage the tenant.
const RoleAdmin = "admin"

// User says who a person is. What proves them is a Credential, and lives in a
// table of its own.
type User struct {
	TenantID string
	ID       string // UUIDv7, lower case; the sub claim; never used again
	Username string // as the person wrote it, or ""
	// UsernameKey and EmailKey are the normalised forms, unique in the tenant when not "".
	// username.Claimed and address.Claimed make them.
	UsernameKey string
	// UsernameSkeleton is the same for names that look alike, and unique in the tenant when not
	// "". It is "" for a name from earlier that looks like another one from earlier.
	UsernameSkeleton string
	Email            string
	EmailKey         string
	EmailVerified    bool
	Phone            string // E.164, or ""
	PhoneVerified    bool
	Profile          Profile
	Roles            []string // RoleAdmin and names of the operator's own
	Disabled         bool
	// SecuredAt is when somebody who reads the person's mail said that a change was not
	// theirs. Such an account is Disabled, too: a new code to its address opens it again.
	SecuredAt time.Time
	// CredentialVersion is raised when what proves the person changes. Sessions and
	// grants that carry another version are dead.
	CredentialVersion int64
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// Profile holds the claims of the scopes profile and address (OIDC Core 5.1).
type Profile struct {
	Name       string   `json:"name,omitempty"`
	GivenName  string   `json:"given_name,omitempty"`
	FamilyName string   `json:"family_name,omitempty"`
	MiddleName string   `json:"middle_name,omitempty"`
	Nickname   string   `json:"nickname,omitempty"`
	Profile    string   `json:"profile,omitempty"`
	Picture    string   `json:"picture,omitempty"`
	Website    string   `json:"website,omitempty"`
	Gender     string   `json:"gender,omitempty"`
	Birthdate  string   `json:"birthdate,omitempty"`
	Zoneinfo   string   `json:"zoneinfo,omitempty"`
	Locale     string   `json:"locale,omitempty"`
	Address    *Address `json:"address,omitempty"`
}

// Address is the address claim (OIDC Core 5.1.1).
type Address struct {
	Formatted     string `json:"formatted,omitempty"`
	StreetAddress string `json:"street_address,omitempty"`
	Locality      string `json:"locality,omitempty"`
	Region        string `json:"region,omitempty"`
	PostalCode    string `json:"postal_code,omitempty"`
	Country       string `json:"country,omitempty"`
}

// Users keeps the users of a tenant. A Change adds, updates and removes them.
type Users interface {
	User(ctx context.Context, tenant, id string) (User, error)
	UserByEmail(ctx context.Context, tenant, emailKey string) (User, error)
	UserByUsername(ctx context.Context, tenant, usernameKey string) (User, error)
	// UserBySkeleton finds whose name looks like another.
	UserBySkeleton(ctx context.Context, tenant, skeleton string) (User, error)
	// UserByPhone finds whose verified number it is. ErrNotFound also when it is that of
	// several: it names nobody then.
	UserByPhone(ctx context.Context, tenant, phone string) (User, error)
	// Users lists people by id, at most limit after the given id.
	Users(ctx context.Context, tenant, after string, limit int) ([]User, error)
	// UsersToReread lists people of every tenant whom a release that read names differently may
	// have stored: their address is not of ASCII alone, or their user name has no skeleton. They
	// come in the order of tenant and id, at most limit after the given ones.
	UsersToReread(ctx context.Context, tenant, after string, limit int) ([]User, error)
	// Reread stores the address, whether it is verified, and the skeleton of the user name, unless
	// the address or the name has changed since was was read: ErrStale. ErrExists: somebody else
	// has the address, or a name that looks alike.
	Reread(ctx context.Context, was, now User) error
}

// Kinds of Credential.
const (
	PasswordCredential    = "password"
	OldPasswordCredential = "old-password" // kept to be refused
	TOTPCredential        = "totp"
	RecoveryCredential    = "recovery"
	PasskeyCredential     = "passkey"
	DeviceCredential      = "device" // a browser that is not asked for a second factor
	// What a new app replaced, kept for a while in case that it was a thief's.
	FormerTOTPCredential     = "former-totp"
	FormerRecoveryCredential = "former-recovery"
	// DisavowedCredential is no proof: it says which links of security mails are spent.
	DisavowedCredential = "disavowed"
)

// Credential is one thing that proves a person.
type Credential struct {
	TenantID  string
	UserID    string
	Kind      string // PasswordCredential, …
	ID        string // "" for kinds a person has one of
	Data      []byte // hashed or sealed: a password's PHC string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Credentials keeps what proves users. A Change stores, swaps and removes it.
type Credentials interface {
	Credential(ctx context.Context, tenant, userID, kind, id string) (Credential, error)
	// CredentialsOf lists all that a person has, by kind and id.
	CredentialsOf(ctx context.Context, tenant, userID string) ([]Credential, error)
	// SomeCredentials are some of a kind, of those who came first: for a look at what is in use.
	SomeCredentials(ctx context.Context, tenant, kind string, limit int) ([]Credential, error)
	// UserPassword finds the person by EmailKey or UsernameKey, with their password:
	// one read for a sign-in. The credential's Data is nil when they have none.
	UserPassword(ctx context.Context, tenant, key string) (User, Credential, error)
	// PutCredential stores the credential without raising the person's
	// CredentialVersion: for a stronger hash of the same secret. was is the Data that it
	// replaces, nil for none; ErrStale when what is stored is something else, such as a
	// password that was changed meanwhile.
	PutCredential(ctx context.Context, c Credential, was []byte) error
}

// Identity is a person's account at an upstream provider.
type Identity struct {
	TenantID  string
	Provider  string
	Subject   string
	UserID    string
	Email     string
	CreatedAt time.Time
}

// Identities keeps the accounts at upstream providers. A Change links and unlinks them.
type Identities interface {
	Identity(ctx context.Context, tenant, provider, subject string) (Identity, error)
	IdentitiesOf(ctx context.Context, tenant, userID string) ([]Identity, error)
}
