package storage

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// RoleAdmin is a role in User.Roles, for apps. It opens nothing here: see User.AdminRole.
const RoleAdmin = "admin"

// Roles of administrators (User.AdminRole). Package people/administration says what each may do.
const (
	RoleOwner         = "owner"
	RoleAdministrator = "admin"
	RoleSupport       = "support"
	RoleAuditor       = "auditor"
)

// User is a user of a tenant. What proves the user is a Credential, in a table of its own.
type User struct {
	TenantID string
	ID       string // UUIDv7, lower case; the sub claim; never used again
	Username string // as the user wrote it, or ""
	// UsernameKey and EmailKey are the normalised forms, unique in the tenant unless "".
	// username.Claimed and address.Claimed make them.
	UsernameKey string
	// UsernameSkeleton is the same for names that look alike, and unique in the tenant unless "". It is ""
	// for a name of an earlier release that looks like another one.
	UsernameSkeleton string
	Email            string
	EmailKey         string
	EmailVerified    bool
	Phone            string // E.164, or ""
	PhoneVerified    bool
	Profile          Profile
	Roles            []string // RoleAdmin and names of the operator's own
	Disabled         bool
	// Attributes are the values of the tenant's attributes (TenantSettings), by name: string, float64, bool,
	// or []any of strings. Those that the tenant does not declare any more may be among them.
	Attributes map[string]any
	// ExternalID is the id that the user had in the product from which an import brought them, "" for none.
	// It is unique in the tenant, and stays what it was when the user was added.
	ExternalID string
	// AdminRole is the role of an administrator, RoleOwner and so on; "" for other users. Change.SetAdmin
	// changes it: no import and no edit of a profile makes an administrator.
	AdminRole string
	// SecuredAt is when the link "This wasn't me" of a mail closed the account; zero for never. Such an
	// account is Disabled, too. A new code to its address opens it again.
	SecuredAt time.Time
	// CredentialVersion is raised when the user's credentials change. Sessions and grants of another
	// version are not alive.
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
	// UserBySkeleton finds the user whose name has this skeleton.
	UserBySkeleton(ctx context.Context, tenant, skeleton string) (User, error)
	UserByExternalID(ctx context.Context, tenant, externalID string) (User, error)
	// UserByUnique finds the user who has this value of Change.Unique.
	UserByUnique(ctx context.Context, tenant, name, value string) (User, error)
	// UserByPhone finds the user who has this verified number. ErrNotFound also if several users have it.
	UserByPhone(ctx context.Context, tenant, phone string) (User, error)
	// Users lists users by id, at most limit after the given id.
	Users(ctx context.Context, tenant, after string, limit int) ([]User, error)
	// UsersIn lists users who have a key in the span, in the order of the keys, and of the ids of users with the same
	// key: at most limit behind the place. A user with several keys in it is listed for each. Numbers count if they are
	// verified.
	UsersIn(ctx context.Context, tenant string, in UserSpan, behind UserPlace, limit int) ([]FoundUser, error)
	// IndexNames stores by what users are found whose names a release stored that did not know ByName, part after part,
	// and returns how many users those were.
	IndexNames(ctx context.Context) (int64, error)
	// Administrators lists users with an AdminRole by id, at most limit after the given id.
	Administrators(ctx context.Context, tenant, after string, limit int) ([]User, error)
	// UsersToReread lists users of every tenant that may have been stored by a release that read
	// names differently: their address is not ASCII, or their user name has no skeleton. They come
	// in the order of tenant and id, at most limit after the given ones.
	UsersToReread(ctx context.Context, tenant, after string, limit int) ([]User, error)
	// Reread stores the address, whether it is verified, and the skeleton of the user name. ErrStale: the
	// address or the name has changed since was was read. ErrExists: another user has the address, or a
	// name that looks alike.
	Reread(ctx context.Context, was, now User) error
}

// UserKey is something by which users are found.
type UserKey int

// Keys of users.
const (
	ByEmail UserKey = iota // EmailKey
	ByUsername
	ByPhone
	ByID
	ByExternalID
	ByName // the terms of the profile (package storage/terms); a user may have several
)

// UserSpan is a span of keys of one kind: From is in it, To is not.
type UserSpan struct {
	By       UserKey
	From, To string
}

// Has reports whether the key is in the span. "" is no key.
func (s UserSpan) Has(key string) bool { return key != "" && s.From <= key && key < s.To }

// UserPlace is a place in the order of keys. The zero UserPlace is the beginning.
type UserPlace struct {
	Key string `json:"k,omitempty"`
	ID  string `json:"i,omitempty"`
}

// FoundUser is a user, and the key that was found.
type FoundUser struct {
	User
	Key string
}

// Place returns the place of the user, behind which others follow.
func (f FoundUser) Place() UserPlace { return UserPlace{f.Key, f.ID} }

// Kinds of Credential.
const (
	PasswordCredential    = "password"
	OldPasswordCredential = "old-password" // kept to be refused
	TOTPCredential        = "totp"
	RecoveryCredential    = "recovery"
	PasskeyCredential     = "passkey"
	DeviceCredential      = "device" // a browser that is not asked for a second factor
	// What a new authenticator app replaced is kept for a while, in case that app is a thief's.
	FormerTOTPCredential     = "former-totp"
	FormerRecoveryCredential = "former-recovery"
	// DisavowedCredential is no proof: it says which links of security mails are used up.
	DisavowedCredential = "disavowed"
)

// Credential is one thing by which a user proves to be that user.
type Credential struct {
	TenantID string
	UserID   string
	Kind     string // PasswordCredential, …
	ID       string // "" for kinds of which a user has one
	Data     []byte // hashed or sealed: a password's PHC string
	// ExpiresAt is from when a password, though right, has to be changed at the next sign-in; zero for never.
	ExpiresAt time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Credentials keeps what proves users. A Change stores, swaps and removes it.
type Credentials interface {
	Credential(ctx context.Context, tenant, userID, kind, id string) (Credential, error)
	// CredentialsOf lists all credentials of a user, by kind and id.
	CredentialsOf(ctx context.Context, tenant, userID string) ([]Credential, error)
	// SomeCredentials lists some credentials of a kind, by user: a sample of what is in use.
	SomeCredentials(ctx context.Context, tenant, kind string, limit int) ([]Credential, error)
	// PasskeysByID lists passkeys of any users of the tenant by the id that browsers know: more than one if users
	// have claimed the same id, and a few at most, in any order.
	PasskeysByID(ctx context.Context, tenant, id string) ([]Credential, error)
	// UserPassword finds a user by EmailKey or UsernameKey, together with the password, in one read. The
	// credential's Data is nil if the user has no password.
	UserPassword(ctx context.Context, tenant, key string) (User, Credential, error)
	// PutCredential stores a credential in one statement, without events: for a stronger hash of the same
	// secret. ExpiresAt of a stored one stays. was is the Data that it replaces, nil for none. ErrStale if other
	// Data is stored, such as that of a password that was changed meanwhile.
	PutCredential(ctx context.Context, c Credential, was []byte) error
}

// Identity is a user's account at an upstream provider.
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
	// SetIdentityEmail stores the address that the account at the provider has now; ErrNotFound if it is not linked.
	SetIdentityEmail(ctx context.Context, tenant, provider, subject, email string) error
}

// AccountNumber is the integer by which apps of Keratin AuthN know a user. A user has one at most. It stays after the
// user was removed, and is never given to another.
type AccountNumber struct {
	TenantID string
	Number   int64
	UserID   string
	// ActiveOn is the last day on which the user was active, as a number of days; 0 for never.
	ActiveOn  int64
	CreatedAt time.Time
}

// reservedNumber begins the UserID of a number that is reserved.
const reservedNumber = "reserved:"

// ReservedNumber returns what is stored in the place of a user while a number is reserved. No user has such an id.
func ReservedNumber(number int64) string { return reservedNumber + strconv.FormatInt(number, 10) }

// Reserved reports whether the number is reserved, so that no user has it or had it.
func (n AccountNumber) Reserved() bool { return strings.HasPrefix(n.UserID, reservedNumber) }

// AccountNumbers keeps the numbers of users, and counts those who are active.
type AccountNumbers interface {
	// NumberOf returns the number of the user. A user without one gets the next one: greater than all that the
	// tenant has given.
	NumberOf(ctx context.Context, tenant, userID string, now time.Time) (AccountNumber, error)
	// Numbered returns who has, or had, the number; ErrNotFound if it was not given.
	Numbered(ctx context.Context, tenant string, number int64) (AccountNumber, error)
	// KeepNumber stores a number that another product has given. ErrExists: the number, or the user, has another one.
	KeepNumber(ctx context.Context, n AccountNumber) error
	// ReserveNumber has later numbers be greater than this one, which another product has given. Only a Change with the
	// number gives it. It does nothing if the number was given or is reserved.
	ReserveNumber(ctx context.Context, tenant string, number int64, now time.Time) error
	// SetActive stores that the user was active on a day after n.ActiveOn, and the event that tells of it. ErrStale:
	// ActiveOn has changed since n was read.
	SetActive(ctx context.Context, n AccountNumber, day int64, e Event) error
}

// AppLogin is what an app that manages its users itself stores of a user. A Change stores it.
type AppLogin struct {
	TenantID string
	UserID   string
	Login    string // what the app calls the user; "" for the username or the address. Unique in the tenant
	Subject  string // the app's own id of the user; "" for none
	Scope    []byte // JSON, or nil
	// ActiveAt is when the app last showed a token of the user; zero for never.
	ActiveAt time.Time
}

// AppLogins keeps what apps store of users, until the users are removed.
type AppLogins interface {
	// AppLogin returns who has the login; ErrNotFound for "".
	AppLogin(ctx context.Context, tenant, login string) (AppLogin, error)
	// AppLoginsOf returns what is stored of the users, by their ids. A user without an AppLogin is not among them.
	AppLoginsOf(ctx context.Context, tenant string, userIDs []string) (map[string]AppLogin, error)
	// AppUserActive stores that the user is active, unless the user was after since. A user who does not exist is no
	// error.
	AppUserActive(ctx context.Context, tenant, userID string, now, since time.Time) error
}
