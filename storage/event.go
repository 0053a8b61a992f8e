package storage

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Event is one line of the audit trail.
type Event struct {
	TenantID  string
	ID        string // UUIDv7
	At        time.Time
	Kind      string // EventLoginSucceeded, …: one of EventKinds
	Actor     string // user id, client id or "cli"
	UserID    string // the user that it is about, or ""
	ClientID  string // or ""
	RequestID string
	IP        string
	Detail    map[string]string // never a secret
}

// Audit keeps the events.
type Audit interface {
	// Record stores an event that is part of no change.
	Record(ctx context.Context, e Event) error
	// Events lists the tenant's events, newest first, at most limit before the given id ("" for the newest).
	Events(ctx context.Context, tenant, before string, limit int) ([]Event, error)
	// EventsOf is Events about one user.
	EventsOf(ctx context.Context, tenant, userID, before string, limit int) ([]Event, error)
}

// Kinds of Event. EventKinds says more about each.
const (
	EventLoginSucceeded    = "login.succeeded"
	EventLoginPending      = "login.pending"
	EventLoginRaised       = "login.raised"
	EventLoginFailed       = "login.failed"
	EventSessionRefreshed  = "session.refreshed"
	EventSessionEnded      = "session.ended"
	EventSessionsEnded     = "sessions.ended"
	EventConsentGiven      = "consent.given"
	EventConsentDenied     = "consent.denied"
	EventConsentWithdrawn  = "consent.withdrawn"
	EventUserAdded         = "user.added"
	EventUserDisabled      = "user.disabled"
	EventUserEnabled       = "user.enabled"
	EventUserRemoved       = "user.removed"
	EventLimitsLifted      = "user.limits_lifted"
	EventUserInvited       = "user.invited"
	EventUserUninvited     = "user.uninvited"
	EventPasswordExpired   = "password.expired"
	EventPasswordKept      = "password.kept"
	EventGroupJoined       = "group.joined"
	EventGroupLeft         = "group.left"
	EventRoleGiven         = "role.given"
	EventRoleTaken         = "role.taken"
	EventAttributesChanged = "attributes.changed"
	EventAccessRefused     = "access.refused"
	EventGroupAdded        = "group.added"
	EventGroupChanged      = "group.changed"
	EventGroupRemoved      = "group.removed"
	EventRoleAdded         = "role.added"
	EventRoleChanged       = "role.changed"
	EventRoleRemoved       = "role.removed"
	EventRoleAssigned      = "role.assigned"
	EventRoleUnassigned    = "role.unassigned"
	EventAPIAdded          = "api.added"
	EventAPIChanged        = "api.changed"
	EventAPIRemoved        = "api.removed"
	EventUsersImporting    = "users.importing"
	EventUsersImported     = "users.imported"
	EventUsersExported     = "users.exported"
	EventAdministratorSet  = "administrator.set"
	EventActingBegan       = "acting.began"
	EventActingEnded       = "acting.ended"
	EventProfileChanged    = "profile.changed"
	EventEmailAsked        = "email.asked"
	EventEmailChanged      = "email.changed"
	EventEmailConfirmed    = "email.confirmed"
	EventPhoneAsked        = "phone.asked"
	EventPhoneChanged      = "phone.changed"
	EventPhoneRemoved      = "phone.removed"
	EventPasswordChanged   = "password.changed"
	EventPasswordSet       = "password.set"
	EventPasswordReset     = "password.reset"
	EventPasswordRefused   = "password.refused"
	EventFactorOn          = "factor.on"
	EventFactorReplaced    = "factor.replaced"
	EventFactorCodes       = "factor.codes"
	EventFactorOff         = "factor.off"
	EventFactorRecovered   = "factor.recovered"
	EventFactorFailed      = "factor.failed"
	EventFactorForgotten   = "factor.forgotten"
	EventPasskeyAdded      = "passkey.added"
	EventPasskeyRemoved    = "passkey.removed"
	EventPasskeyCopied     = "passkey.copied"
	EventAPIKeyAdded       = "api_key.added"
	EventAPIKeyRotated     = "api_key.rotated"
	EventAPIKeyRemoved     = "api_key.removed"
	EventAPIKeyLeaked      = "api_key.leaked"
	EventIdentityLinked    = "identity.linked"
	EventIdentityUnlinked  = "identity.unlinked"
	EventUpstreamFailed    = "upstream.failed"
	EventAccountSecured    = "account.secured"
	EventAccountOpened     = "account.opened"
	EventAccountReviewed   = "account.reviewed"
	EventDataDownloaded    = "data.downloaded"
	EventGrantRevoked      = "grant.revoked"
	EventTokenRevoked      = "token.revoked"
	EventRefreshReused     = "refresh.reused"
	EventRefreshAhead      = "refresh.ahead"
	EventCodeReused        = "code.reused"
	EventCodeBurnt         = "code.burnt"
	EventClientAdded       = "client.added"
	EventClientChanged     = "client.changed"
	EventClientRemoved     = "client.removed"
	EventClientUnprotected = "client.unprotected"
	EventTenantAdded       = "tenant.added"
	EventTenantChanged     = "tenant.changed"
	EventTenantRemoved     = "tenant.removed"
	EventAppLoginSet       = "app.login_set"
	EventAppSignedIn       = "app.signed_in"
	EventAppSignedOut      = "app.signed_out"
	EventAppRefused        = "app.refused"
	EventKeyRotated        = "key.rotated"
	EventKeyRemoved        = "key.removed"
	EventMailRetried       = "mail.retried"
	EventMailDropped       = "mail.dropped"
	EventWebhookAdded      = "webhook.added"
	EventWebhookChanged    = "webhook.changed"
	EventWebhookRemoved    = "webhook.removed"
	EventSecretReplaced    = "secret.replaced"
	EventSecretForgotten   = "secret.forgotten"
	EventDatabaseRestored  = "database.restored"
	EventAuditPruned       = "audit.pruned"
)

// Subject is what an event is about.
type Subject string

// Subjects of events.
const (
	AboutUser         Subject = "user" // UserID names the user, where it is known
	AboutClient       Subject = "client"
	AboutTenant       Subject = "tenant"
	AboutInstallation Subject = "installation" // recorded at the default tenant
)

// Audience says which readers may learn of an event by a subscription. Each audience includes those before it:
// what a client may learn, the tenant's administrators and the operator may, too.
type Audience int

// Audiences of events.
const (
	ToOperator Audience = iota // the operator of the installation
	ToTenant                   // administrators of the tenant
	ToClient                   // clients that hold a grant of the user, or that the event names
)

// EventKind describes one kind of event.
type EventKind struct {
	Kind     string
	Subject  Subject
	Audience Audience
	// Meaning is one English sentence for documents and developers.
	Meaning string
}

// EventKinds are all kinds of events. No event of another kind is recorded.
var EventKinds = []EventKind{
	{EventLoginSucceeded, AboutUser, ToClient, "A user signed in."},
	{EventLoginPending, AboutUser, ToClient, "The first proof was right, and the second step was asked for."},
	{EventLoginRaised, AboutUser, ToClient, "A user who was signed in completed the second step."},
	{EventLoginFailed, AboutUser, ToTenant, "A sign-in was refused. Detail says the reason."},
	{EventSessionRefreshed, AboutUser, ToTenant, "An app refreshed a user's session or tokens, for the first time on a " +
		"day on which the user did not sign in."},
	{EventSessionEnded, AboutUser, ToClient, "One session ended because its user or a client asked for it."},
	{EventSessionsEnded, AboutUser, ToClient, "A user ended all sessions but the current one, or an administrator all."},
	{EventConsentGiven, AboutUser, ToClient, "A user allowed a client access."},
	{EventConsentDenied, AboutUser, ToClient, "A user refused a client access."},
	{EventConsentWithdrawn, AboutUser, ToClient, "A user took a client's access away."},
	{EventUserAdded, AboutUser, ToTenant, "An account was created."},
	{EventUserDisabled, AboutUser, ToTenant, "An administrator disabled an account."},
	{EventUserEnabled, AboutUser, ToTenant, "An administrator enabled an account."},
	{EventUserRemoved, AboutUser, ToTenant, "An account was removed."},
	{EventLimitsLifted, AboutUser, ToTenant, "An administrator lifted the limits that kept a user from signing in."},
	{EventUserInvited, AboutTenant, ToTenant, "An invitation was mailed. The account does not exist yet."},
	{EventUserUninvited, AboutTenant, ToTenant, "An invitation was withdrawn."},
	{EventPasswordExpired, AboutUser, ToTenant, "An administrator requires a new password at the next sign-in."},
	{EventPasswordKept, AboutUser, ToTenant, "An administrator no longer requires a new password at the next sign-in."},
	{EventGroupJoined, AboutUser, ToTenant, "A user became a member of a group. Detail says which, and which upstream " +
		"provider gave the membership."},
	{EventGroupLeft, AboutUser, ToTenant, "A user is no longer a member of a group."},
	{EventRoleGiven, AboutUser, ToTenant, "A user was given a role at a client or an API."},
	{EventRoleTaken, AboutUser, ToTenant, "A role was taken from a user."},
	{EventAttributesChanged, AboutUser, ToTenant, "The attributes of a user were changed. Detail names them."},
	{EventAccessRefused, AboutUser, ToTenant, "A user may not use a client, and was told so."},
	{EventGroupAdded, AboutTenant, ToTenant, "A group was added."},
	{EventGroupChanged, AboutTenant, ToTenant, "A group was changed."},
	{EventGroupRemoved, AboutTenant, ToTenant, "A group was removed, with all its memberships."},
	{EventRoleAdded, AboutTenant, ToTenant, "A role was added at a client or an API."},
	{EventRoleChanged, AboutTenant, ToTenant, "A role was changed."},
	{EventRoleRemoved, AboutTenant, ToTenant, "A role was removed, and taken from all who had it."},
	{EventRoleAssigned, AboutTenant, ToTenant, "A group or a client was given a role."},
	{EventRoleUnassigned, AboutTenant, ToTenant, "A role was taken from a group or a client."},
	{EventAPIAdded, AboutTenant, ToTenant, "An API was added."},
	{EventAPIChanged, AboutTenant, ToTenant, "An API was changed."},
	{EventAPIRemoved, AboutTenant, ToTenant, "An API was removed, with its roles."},
	{EventUsersImporting, AboutTenant, ToTenant,
		"An import of a file of accounts began to add users; unless users.imported follows, it was interrupted."},
	{EventUsersImported, AboutTenant, ToTenant, "A file of accounts was imported. Each user has user.added, too."},
	{EventUsersExported, AboutTenant, ToTenant, "Accounts were exported. Detail says whether with password hashes."},
	{EventAdministratorSet, AboutUser, ToTenant,
		"A user became an administrator, or no longer is one. Detail says the role."},
	{EventActingBegan, AboutUser, ToTenant,
		"An administrator signed in as a user, to help. Detail says why, and until when at the latest."},
	{EventActingEnded, AboutUser, ToTenant, "An administrator is no longer signed in as a user. Detail repeats why."},
	{EventProfileChanged, AboutUser, ToClient, "A user edited the profile."},
	{EventEmailAsked, AboutUser, ToTenant, "A user asked for another email address, which is not yet confirmed."},
	{EventEmailChanged, AboutUser, ToClient, "A new email address was confirmed."},
	{EventEmailConfirmed, AboutUser, ToClient, "The present email address was confirmed."},
	{EventPhoneAsked, AboutUser, ToTenant, "A user asked for another phone number, which is not yet confirmed."},
	{EventPhoneChanged, AboutUser, ToClient, "A new phone number was confirmed."},
	{EventPhoneRemoved, AboutUser, ToClient, "A user removed the phone number."},
	{EventPasswordChanged, AboutUser, ToTenant, "A user changed the password."},
	{EventPasswordSet, AboutUser, ToTenant, "An administrator set a user's password."},
	{EventPasswordReset, AboutUser, ToTenant, "A user replaced a forgotten password."},
	{EventPasswordRefused, AboutUser, ToTenant, "The current password was wrong when a user tried to change it."},
	{EventFactorOn, AboutUser, ToTenant, "Two-step verification was turned on."},
	{EventFactorReplaced, AboutUser, ToTenant, "Another authenticator app replaced the former one."},
	{EventFactorCodes, AboutUser, ToTenant, "New recovery codes replaced the former ones."},
	{EventFactorOff, AboutUser, ToTenant, "Two-step verification was turned off."},
	{EventFactorRecovered, AboutUser, ToTenant, "A recovery code was used."},
	{EventFactorFailed, AboutUser, ToTenant, "A code for the second step was wrong."},
	{EventFactorForgotten, AboutUser, ToTenant, "A trusted device was removed."},
	{EventPasskeyAdded, AboutUser, ToTenant, "A passkey was added."},
	{EventPasskeyRemoved, AboutUser, ToTenant, "A passkey was removed."},
	{EventPasskeyCopied, AboutUser, ToTenant, "A passkey's counter went back: there is a copy of it."},
	{EventAPIKeyAdded, AboutUser, ToTenant, "An API key was added: of a user, or of a client if no user is named."},
	{EventAPIKeyRotated, AboutUser, ToTenant, "An API key was replaced. Detail says by which, and until when it works."},
	{EventAPIKeyRemoved, AboutUser, ToTenant, "An API key was revoked."},
	{EventAPIKeyLeaked, AboutUser, ToTenant, "An API key was reported as leaked, and revoked."},
	{EventIdentityLinked, AboutUser, ToTenant, "An account at an upstream provider was linked."},
	{EventIdentityUnlinked, AboutUser, ToTenant, "An account at an upstream provider was unlinked."},
	{EventUpstreamFailed, AboutUser, ToTenant, "An upstream provider's answer was refused. Detail says why."},
	{EventAccountSecured, AboutUser, ToClient, "An account was closed by the link \"This wasn't me\"."},
	{EventAccountOpened, AboutUser, ToClient, "A secured account was opened again."},
	{EventAccountReviewed, AboutUser, ToTenant, "The owner of a secured account removed ways to sign in."},
	{EventDataDownloaded, AboutUser, ToTenant, "A user downloaded everything that is stored about the account."},
	{EventGrantRevoked, AboutUser, ToClient, "A client gave back what it was granted."},
	{EventTokenRevoked, AboutUser, ToClient, "A client revoked one access token."},
	{EventRefreshReused, AboutUser, ToClient, "A refresh token came a second time. Its grant was revoked."},
	{EventRefreshAhead, AboutUser, ToClient, "A refresh token was newer than the database. Its grant was revoked."},
	{EventCodeReused, AboutUser, ToClient, "An authorization code came a second time. Its grant was revoked."},
	{EventCodeBurnt, AboutUser, ToClient, "An authorization code came with a wrong PKCE verifier, which spent it."},
	{EventClientAdded, AboutClient, ToTenant, "A client was added."},
	{EventClientChanged, AboutClient, ToTenant, "A client was changed."},
	{EventClientRemoved, AboutClient, ToTenant, "A client was removed."},
	{EventClientUnprotected, AboutClient, ToTenant, "A client redeemed a code without PKCE and without a secret."},
	{EventTenantAdded, AboutTenant, ToTenant, "A tenant was added."},
	{EventTenantChanged, AboutTenant, ToTenant, "A tenant's settings were changed."},
	{EventTenantRemoved, AboutTenant, ToOperator, "A tenant was removed. The default tenant has the event."},
	{EventAppLoginSet, AboutTenant, ToTenant, "The app of a tenant was given an email and a password to sign in with."},
	{EventAppSignedIn, AboutTenant, ToTenant, "The app of a tenant signed in with the tenant's own email and password."},
	{EventAppSignedOut, AboutTenant, ToTenant, "The app of a tenant signed out."},
	{EventAppRefused, AboutTenant, ToTenant, "A sign-in with the email of a tenant's app was refused."},
	{EventKeyRotated, AboutTenant, ToTenant, "A new signing key replaced the former one."},
	{EventKeyRemoved, AboutTenant, ToTenant, "A signing key was removed."},
	{EventMailRetried, AboutTenant, ToTenant, "An email that had been given up was queued again."},
	{EventMailDropped, AboutTenant, ToTenant, "An email that had been given up was deleted."},
	{EventWebhookAdded, AboutTenant, ToTenant, "A webhook was added."},
	{EventWebhookChanged, AboutTenant, ToTenant,
		"A webhook was changed, got a new secret, or was sent events again. Detail says which."},
	{EventWebhookRemoved, AboutTenant, ToTenant, "A webhook was removed."},
	{EventSecretReplaced, AboutInstallation, ToOperator, "Values were sealed anew with another master secret."},
	{EventSecretForgotten, AboutInstallation, ToOperator, "A master secret was forgotten."},
	{EventDatabaseRestored, AboutInstallation, ToOperator,
		"Sessions and grants that a restored backup had brought back were ended."},
	{EventAuditPruned, AboutInstallation, ToOperator, "Old events were deleted or shortened by a command."},
}

var eventKinds = func() map[string]*EventKind {
	byKind := make(map[string]*EventKind, len(EventKinds))
	for i := range EventKinds {
		byKind[EventKinds[i].Kind] = &EventKinds[i]
	}
	return byKind
}()

// ofUnknownUsers are kinds about users that name none where the user is not known, such as the sign-in of a
// user who does not exist, or where a client stands in the place of a user.
var ofUnknownUsers = []string{
	EventLoginFailed, EventUpstreamFailed, EventTokenRevoked,
	EventAPIKeyAdded, EventAPIKeyRotated, EventAPIKeyRemoved, EventAPIKeyLeaked,
}

// Check returns an error unless EventKinds has the event's kind, and the event names what such events are
// about, and no user if they are not about users.
func (e Event) Check() error {
	k := eventKinds[e.Kind]
	if k == nil {
		return fmt.Errorf("the table of events has no kind %q", e.Kind)
	}
	wrong := false
	switch k.Subject {
	case AboutUser:
		wrong = e.UserID == "" && !slices.Contains(ofUnknownUsers, e.Kind)
	case AboutClient:
		wrong = e.ClientID == "" || e.UserID != ""
	case AboutTenant:
		wrong = e.UserID != ""
	case AboutInstallation:
		wrong = e.TenantID != DefaultTenant || e.UserID != ""
	}
	if wrong {
		return fmt.Errorf("the event %s is not about a %s, with the user %q and the client %q",
			e.Kind, k.Subject, e.UserID, e.ClientID)
	}
	return nil
}

// withoutSentence are kinds about users that the activity page tells of in general words.
var withoutSentence = []string{
	EventUserRemoved,
	EventPasswordSet,
	EventIdentityLinked,
	EventIdentityUnlinked,
	EventUpstreamFailed,
	EventCodeReused,
	EventCodeBurnt,
}

// EventSentence returns the id of the text that tells a user on the activity page what an event of this kind
// means. Kinds without a sentence of their own have a general one, and so have those of a newer release: what
// happened to an account is not hidden from its owner.
func EventSentence(kind string) string {
	k := eventKinds[kind]
	if k == nil || k.Subject != AboutUser || slices.Contains(withoutSentence, kind) {
		return "activity.other"
	}
	return "activity." + kind
}
