// Package desk says what commands can ask of an installation. There are two answers: package here works on the
// database of this machine, and package remote asks a server by its management API. A command does not know which of
// them it has, and prints the same in either case.
//
// Errors are those of the use cases: storage.ErrNotFound, storage.ErrExists and storage.ErrLastOwner, or texts about
// what was wrong with what the user wrote.
package desk

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/backchannel"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Desk is one tenant of an installation, as commands see it. Lists are in the order of their ids, and begin after
// the id that is named, or at their beginning for "".
type Desk interface {
	Users
	Access
	Invitations
	Groups
	Roles
	Clients
	Settings
	Tenants
	Operations
	Webhooks
	APIKeys
}

// Password is a password that an administrator has for a user.
type Password struct {
	Text      string // "" for none
	AllowWeak bool   // a password that is easy to guess is a warning
	Warn      func(error)
}

// Users are the accounts of the tenant.
type Users interface {
	// FindUser returns the user with the id, email address or username.
	FindUser(ctx context.Context, name string) (storage.User, error)
	User(ctx context.Context, id string) (storage.User, error)
	Users(ctx context.Context, after string) iter.Seq2[administration.Listed, error]
	// SearchUsers returns the users that a text and a filter find; each may be "": see administration.Query.
	SearchUsers(ctx context.Context, text, filter string) iter.Seq2[administration.Listed, error]
	// Standing returns what opens the user's account, and where it is signed in.
	Standing(ctx context.Context, u storage.User) (administration.Standing, error)
	// CheckUser returns what is wrong with an entry, before a password is asked for.
	CheckUser(ctx context.Context, entered importing.Row, reserved bool) error
	// AddUser checks the entry as CheckUser does, and adds the user. With reserved, the username may be a reserved one.
	AddUser(ctx context.Context, entered importing.Row, reserved bool, p Password) (storage.User, error)
	// EditUser also reports whether there was anything to change.
	EditUser(ctx context.Context, id string, e administration.Edit, reserved bool) (storage.User, bool, error)
	// SetPassword also ends the user's sessions and grants.
	SetPassword(ctx context.Context, u storage.User, p Password) error
	EnableUser(ctx context.Context, id string) error
	// DisableUser ends all sessions and grants; EnableUser brings none of them back.
	DisableUser(ctx context.Context, id string) error
	// RemoveUser removes the user with all that belongs to the account.
	RemoveUser(ctx context.Context, id string) error
}

// Passkey is one of a user's passkeys. It is read from the management API, and printed by commands, as it is; so are
// Session, Grant, Identity and App.
type Passkey struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

// Session is where a user is signed in with a browser.
type Session struct {
	ID        string    `json:"id"`
	UserAgent string    `json:"user_agent"`
	IP        string    `json:"ip"`
	AMR       []string  `json:"amr"`
	ACR       string    `json:"acr"`
	AuthTime  time.Time `json:"auth_time"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Grant is what a client was given for a user.
type Grant struct {
	ID        string    `json:"id"`
	ClientID  string    `json:"client_id"`
	SessionID string    `json:"session_id,omitempty"`
	Scopes    []string  `json:"scopes"`
	Offline   bool      `json:"offline"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Identity is a user's account at an upstream provider.
type Identity struct {
	Provider  string    `json:"provider"`
	Subject   string    `json:"subject"`
	Email     string    `json:"email,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// App is a client that may use a user's account.
type App struct {
	ClientID string    `json:"client_id"`
	Name     string    `json:"client_name,omitempty"`
	Scopes   []string  `json:"scopes"`
	Claims   []string  `json:"claims,omitempty"`
	Since    time.Time `json:"since"`
}

// Access is what a user signs in with, and where the user is signed in.
type Access interface {
	// SendReset sends the user a code to set a password, and fails if the tenant has no passwords or no mail.
	SendReset(ctx context.Context, u storage.User) error
	// LiftLimits forgets the attempts at the user's account. Only servers can: they count.
	LiftLimits(ctx context.Context, u storage.User) error
	Passkeys(ctx context.Context, u storage.User) ([]Passkey, error)
	// Sessions returns those that have not ended, as Grants does.
	Sessions(ctx context.Context, u storage.User) ([]Session, error)
	Grants(ctx context.Context, u storage.User) ([]Grant, error)
	// Apps returns the clients that may use the account: by consent, or with a grant that needed none.
	Apps(ctx context.Context, u storage.User) ([]App, error)
	Identities(ctx context.Context, u storage.User) ([]Identity, error)
	// RemoveFactors removes all second factors, and passkeys with them, of a user who lost them.
	RemoveFactors(ctx context.Context, id string) error
	RemovePasskey(ctx context.Context, id, passkey string) error
	// EndSession ends one session with all that apps were given in it, and EndSessions all of both.
	EndSession(ctx context.Context, id, session string) error
	EndSessions(ctx context.Context, id string) error
	// RevokeGrant leaves the consent; DisconnectApp withdraws it with all that the client was given.
	RevokeGrant(ctx context.Context, id, grant string) error
	DisconnectApp(ctx context.Context, id, client string) error
	// Explain says what a client learns about the user with these scopes, and why; with all of the client's for nil. It
	// knows no files, and therefore no places of rules. refused is why the user may not use the client, as
	// storage.ClientAllow says, "" if they may.
	Explain(ctx context.Context, u storage.User, clientID string, scopes []string) (
		all []claims.Explanation, refused string, err error)
	// SignInAs returns a link by which an administrator signs in as the user, and until when it works. At a server, by
	// is nil: the administrator is the user of the access token.
	SignInAs(ctx context.Context, u storage.User, by *storage.User, reason string) (string, time.Time, error)
	// Unlink takes an account at an upstream provider from the user.
	Unlink(ctx context.Context, id, provider, subject string) error

	Administrators(ctx context.Context) iter.Seq2[storage.User, error]
	// AddAdministrator adds a user who has the role of administrators from the first moment on.
	AddAdministrator(ctx context.Context, entered importing.Row, p Password, role string) (storage.User, error)
	// SetRole gives the user a role of administrators, or takes it away with "".
	SetRole(ctx context.Context, id, role string) error
}

// Invitations are those that wait to be accepted.
type Invitations interface {
	// Invitation returns the one for an address.
	Invitation(ctx context.Context, email string) (invitations.Invitation, error)
	// Invitations are in the order of their addresses.
	Invitations(ctx context.Context, after string) iter.Seq2[invitations.Invitation, error]
	Invite(ctx context.Context, w invitations.Wanted, language string) (invitations.Invitation, error)
	// ResendInvitation returns the invitation with another link.
	ResendInvitation(ctx context.Context, i invitations.Invitation) (invitations.Invitation, error)
	WithdrawInvitation(ctx context.Context, i invitations.Invitation) error
}

// Groups are the groups of the tenant.
type Groups interface {
	Group(ctx context.Context, id string) (storage.Group, error)
	Groups(ctx context.Context, after string) iter.Seq2[storage.Group, error]
	AddGroup(ctx context.Context, id, title string) (storage.Group, error)
	RenameGroup(ctx context.Context, id, title string) (storage.Group, error)
	// RemoveGroup removes the group; its members stay, and lose what it gave them.
	RemoveGroup(ctx context.Context, id string) error
	// Members returns the users of a group, with their id, email address and username.
	Members(ctx context.Context, id, after string) iter.Seq2[storage.User, error]
	// Join and Leave report whether there was anything to change.
	Join(ctx context.Context, user, group string) (bool, error)
	Leave(ctx context.Context, user, group string) (bool, error)
}

// Roles are the roles of the tenant's clients and APIs.
type Roles interface {
	Role(ctx context.Context, r storage.RoleName) (storage.Role, error)
	// Roles returns those of the client or the API that the name has.
	Roles(ctx context.Context, owner storage.RoleName, after string) iter.Seq2[storage.Role, error]
	AddRole(ctx context.Context, r storage.RoleName, title string) (storage.Role, error)
	RenameRole(ctx context.Context, r storage.RoleName, title string) (storage.Role, error)
	// RemoveRole removes the role, and takes it from all that have it.
	RemoveRole(ctx context.Context, r storage.RoleName) error
	// GiveRole does nothing if the holder has the role.
	GiveRole(ctx context.Context, r storage.RoleName, to storage.RoleHolder) error
	TakeRole(ctx context.Context, r storage.RoleName, from storage.RoleHolder) error
	// Holders returns the groups, clients and users that were given the role.
	Holders(ctx context.Context, r storage.RoleName) iter.Seq2[storage.RoleHolder, error]
}

// ErrNotOutside says that an administrator added the client, or that it has no document.
var ErrNotOutside = errors.New("an administrator added this client, or it has no document")

// Client is a client without its secrets.
type Client struct {
	storage.Client
	Secrets int
}

// Clients are the clients of the tenant.
type Clients interface {
	Client(ctx context.Context, id string) (Client, error)
	Clients(ctx context.Context, after string) iter.Seq2[Client, error]
	// AddClient adds a client that is valid. A client that needs a secret gets the one that is named, or else a new
	// one, which is returned.
	AddClient(ctx context.Context, c storage.Client, secret string) (added Client, made string, err error)
	// EditClient applies a JSON merge patch, and reports whether there was anything to change.
	EditClient(ctx context.Context, id string, patch map[string]any) (Client, bool, error)
	// PlanClients returns what makes the declared clients of the tenant those of a file.
	PlanClients(ctx context.Context, file []clients.Declared) (clients.Plan, error)
	// ApplyClients carries out a plan for the file.
	ApplyClients(ctx context.Context, plan clients.Plan, file []clients.Declared) error
	// JudgeClient says of a client that no administrator added that it is allowed or denied.
	JudgeClient(ctx context.Context, id, verdict string) error
	// RefreshClient has the document of a client read again when the client is used next.
	RefreshClient(ctx context.Context, id string) error
	// RemoveClient removes the client with the consents and grants of users.
	RemoveClient(ctx context.Context, id string) error
	// ClientSecrets returns the ids of the client's secrets, oldest first.
	ClientSecrets(ctx context.Context, id string) ([]string, error)
	// AddClientSecret adds one more secret: those before stay valid. It is shown only here.
	AddClientSecret(ctx context.Context, id string) (secret, secretID string, err error)
	// RemoveClientSecret refuses the only secret of a client.
	RemoveClientSecret(ctx context.Context, id, secretID string) error
	// Logouts are the ends of sessions of which the client is told, newest first.
	Logouts(ctx context.Context, client string, f backchannel.Filter) iter.Seq2[storage.Logout, error]
	// ReplayLogouts has the client told again of the end of a session, or with "" of all that ended in a period, and
	// returns of how many.
	ReplayLogouts(ctx context.Context, client, session string, since, until time.Time) (int64, error)
}

// Settings are those of the tenant.
type Settings interface {
	// Tenant returns the tenant with its settings, without the secrets of upstream providers.
	Tenant(ctx context.Context) (OneTenant, error)
	// EditTenant applies a JSON merge patch to the settings, and reports whether there was anything to change.
	EditTenant(ctx context.Context, patch map[string]any) (OneTenant, bool, error)
	// PutAPI reports whether there was no API with the identifier.
	PutAPI(ctx context.Context, api storage.API) (added bool, err error)
	// RemoveAPI removes the API with its roles.
	RemoveAPI(ctx context.Context, identifier string) error
	// TryUpstream tries an upstream provider without a user: storage.ErrNotFound if there is none with the id.
	TryUpstream(ctx context.Context, id string) ([]upstream.Step, error)
}

// Tenants are all tenants of the installation.
type Tenants interface {
	Tenants(ctx context.Context, after string) iter.Seq2[OneTenant, error]
	// AddTenant returns storage.ErrExists if the id or the host is taken, or was by a tenant since removed.
	AddTenant(ctx context.Context, t storage.Tenant) (OneTenant, error)
	// RemoveTenant removes the tenant with all its data, but never the default tenant.
	RemoveTenant(ctx context.Context, id string) error
	// HasTenant returns storage.ErrNotFound if there is no tenant with the id.
	HasTenant(ctx context.Context, id string) error
}

// OneTenant is a tenant with its issuer.
type OneTenant struct {
	storage.Tenant
	Issuer string
}

// MailTest is how the mail server took a test. It is read from the management API as it is.
type MailTest struct {
	Accepted bool     `json:"accepted"`
	Error    string   `json:"error"`
	Log      []string `json:"log"` // lines of the conversation: what was sent after >, the answers after <
}

// Webhook is a webhook without its secrets.
type Webhook struct {
	ID, URL, Description string
	Kinds                []string
	Disabled             bool
	CreatedAt, UpdatedAt time.Time
	FailingSince         time.Time // zero if it does not fail
	PublicKeys           []string
}

// Webhooks are addresses of apps that are told of events.
type Webhooks interface {
	Webhook(ctx context.Context, id string) (Webhook, error)
	Webhooks(ctx context.Context, after string) iter.Seq2[Webhook, error]
	// AddWebhook returns the webhook with its secret, as RotateWebhook does: nothing shows that again.
	AddWebhook(ctx context.Context, said webhooks.Said) (w Webhook, secret string, err error)
	// EditWebhook changes what edit changes.
	EditWebhook(ctx context.Context, id string, edit func(*webhooks.Said)) (Webhook, error)
	// RotateWebhook leaves the former secret valid for a day.
	RotateWebhook(ctx context.Context, id string) (w Webhook, secret string, err error)
	// RemoveWebhook removes a webhook with what waits to be sent there.
	RemoveWebhook(ctx context.Context, id string) error
	// Deliveries are newest first.
	Deliveries(ctx context.Context, id string, f webhooks.Filter) iter.Seq2[storage.WebhookDelivery, error]
	// ReplayWebhook has an event sent again, or with "" all that began to wait in a period, and returns how many.
	ReplayWebhook(ctx context.Context, id, event string, since, until time.Time) (int64, error)
	// TestWebhook sends an event of the type test at once.
	TestWebhook(ctx context.Context, id string) (webhooks.Result, error)
}

// Operations are about keys, messages and the audit trail.
type Operations interface {
	Keys(ctx context.Context) ([]keys.Use, error)
	// RotateKeys makes a key for an algorithm, or with "" for each in use, and returns the new keys. With atOnce they sign
	// at once, because the old ones may be known to an attacker; otherwise clients get time to read them first.
	RotateKeys(ctx context.Context, algorithm string, atOnce bool) ([]keys.Use, error)
	// RemoveKey removes a key at once: what it signed is refused from then on.
	RemoveKey(ctx context.Context, kid string) error

	// Waiting returns the messages that are still to be sent, and Dead those that are tried no more.
	Waiting(ctx context.Context, after string) iter.Seq2[storage.Delivery, error]
	Dead(ctx context.Context, after string) iter.Seq2[storage.Delivery, error]
	// RetryMail has a dead message tried again.
	RetryMail(ctx context.Context, id string) error
	// DropMail deletes a dead message.
	DropMail(ctx context.Context, id string) error

	// Events returns what the search finds, newest first.
	Events(ctx context.Context, q audit.Search) iter.Seq2[storage.Event, error]
	// ExportEvents calls write with page after page of events, oldest first.
	ExportEvents(ctx context.Context, x audit.Export, write func([]storage.Event) error) error
	// Statistics counts users and sign-ins of so many days in UTC, the last of which is today.
	Statistics(ctx context.Context, days int) (administration.Statistics, error)
}

// KeyOwner names the client or the user that an API key belongs to; the other one is "".
type KeyOwner struct{ ClientID, UserID string }

// MadeAPIKey is a new API key. It is read from the management API, and printed by commands, as it is.
type MadeAPIKey struct {
	apikeys.Shown
	Key string `json:"key"`
}

// APIKeys are the API keys of clients and users.
type APIKeys interface {
	APIKeys(ctx context.Context, o KeyOwner) ([]apikeys.Shown, error)
	// AddAPIKey and RotateAPIKey are for clients: with a key of a user, an administrator could act as the user.
	AddAPIKey(ctx context.Context, client string, n apikeys.New) (MadeAPIKey, error)
	RotateAPIKey(ctx context.Context, client, id string, overlap time.Duration) (MadeAPIKey, error)
	RemoveAPIKey(ctx context.Context, o KeyOwner, id string) error
}
