package storage

// Kinds of Event. EventKinds says more about each.
const (
	EventLoginSucceeded    = "login.succeeded"
	EventLoginPending      = "login.pending"
	EventLoginRaised       = "login.raised"
	EventLoginFailed       = "login.failed"
	EventSessionEnded      = "session.ended"
	EventSessionsEnded     = "sessions.ended"
	EventConsentGiven      = "consent.given"
	EventConsentDenied     = "consent.denied"
	EventConsentWithdrawn  = "consent.withdrawn"
	EventUserAdded         = "user.added"
	EventUserDisabled      = "user.disabled"
	EventUserEnabled       = "user.enabled"
	EventUserRemoved       = "user.removed"
	EventUserInvited       = "user.invited"
	EventUsersImported     = "users.imported"
	EventUsersExported     = "users.exported"
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
	EventKeyRotated        = "key.rotated"
	EventKeyRemoved        = "key.removed"
	EventMailRetried       = "mail.retried"
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

// Audience is who may learn of an event by a subscription. Each audience includes those before it:
// what a client may learn, the tenant's administrators and the operator may, too.
type Audience int

// Audiences of events.
const (
	ToOperator Audience = iota // who runs the installation
	ToTenant                   // administrators of the tenant
	ToClient                   // clients that hold a grant of the user, or that the event names
)

// EventKind describes one kind of event.
type EventKind struct {
	Kind     string
	Subject  Subject
	Audience Audience
	// Sentence is the id of the text that tells a user on the activity page what happened. It is ""
	// for kinds that are not about users: they are on no user's page.
	Sentence string
	// Meaning is one English sentence for documents and developers.
	Meaning string
}

// otherChange is the sentence of kinds that have none of their own.
const otherChange = "activity.other"

// EventKinds are all kinds of events. No event of another kind is recorded.
var EventKinds = []EventKind{
	{EventLoginSucceeded, AboutUser, ToClient, "activity." + EventLoginSucceeded, "A user signed in."},
	{EventLoginPending, AboutUser, ToClient, "activity." + EventLoginPending, "A password was right and a second factor was asked for."},
	{EventLoginRaised, AboutUser, ToClient, "activity." + EventLoginRaised, "A signed-in user proved a second factor."},
	{EventLoginFailed, AboutUser, ToTenant, "activity." + EventLoginFailed, "A sign-in was refused. Detail says the reason."},
	{EventSessionEnded, AboutUser, ToClient, "activity." + EventSessionEnded, "One session ended because its user or a client asked for it."},
	{EventSessionsEnded, AboutUser, ToClient, "activity." + EventSessionsEnded, "A user ended all sessions but the current one."},
	{EventConsentGiven, AboutUser, ToClient, "activity." + EventConsentGiven, "A user allowed a client access."},
	{EventConsentDenied, AboutUser, ToClient, "activity." + EventConsentDenied, "A user refused a client access."},
	{EventConsentWithdrawn, AboutUser, ToClient, "activity." + EventConsentWithdrawn, "A user took a client's access away."},
	{EventUserAdded, AboutUser, ToTenant, "activity." + EventUserAdded, "An account was created."},
	{EventUserDisabled, AboutUser, ToTenant, "activity." + EventUserDisabled, "An administrator disabled an account."},
	{EventUserEnabled, AboutUser, ToTenant, "activity." + EventUserEnabled, "An administrator enabled an account."},
	{EventUserRemoved, AboutUser, ToTenant, otherChange, "An account was removed."},
	{EventUserInvited, AboutTenant, ToTenant, "", "An invitation was mailed. The account does not exist yet."},
	{EventUsersImported, AboutTenant, ToTenant, "", "A file of accounts was imported."},
	{EventUsersExported, AboutTenant, ToTenant, "", "Accounts were exported with their password hashes."},
	{EventProfileChanged, AboutUser, ToClient, "activity." + EventProfileChanged, "A user edited the profile."},
	{EventEmailAsked, AboutUser, ToTenant, "activity." + EventEmailAsked, "A user asked for another email address, which is not yet confirmed."},
	{EventEmailChanged, AboutUser, ToClient, "activity." + EventEmailChanged, "A new email address was confirmed."},
	{EventEmailConfirmed, AboutUser, ToClient, "activity." + EventEmailConfirmed, "The present email address was confirmed."},
	{EventPhoneAsked, AboutUser, ToTenant, "activity." + EventPhoneAsked, "A user asked for another phone number, which is not yet confirmed."},
	{EventPhoneChanged, AboutUser, ToClient, "activity." + EventPhoneChanged, "A new phone number was confirmed."},
	{EventPhoneRemoved, AboutUser, ToClient, "activity." + EventPhoneRemoved, "A user removed the phone number."},
	{EventPasswordChanged, AboutUser, ToTenant, "activity." + EventPasswordChanged, "A user changed the password."},
	{EventPasswordSet, AboutUser, ToTenant, otherChange, "An administrator set a user's password."},
	{EventPasswordReset, AboutUser, ToTenant, "activity." + EventPasswordReset, "A user replaced a forgotten password."},
	{EventPasswordRefused, AboutUser, ToTenant, "activity." + EventPasswordRefused, "The current password was wrong when a user tried to change it."},
	{EventFactorOn, AboutUser, ToTenant, "activity." + EventFactorOn, "A second factor was switched on."},
	{EventFactorReplaced, AboutUser, ToTenant, "activity." + EventFactorReplaced, "Another authenticator app replaced the former one."},
	{EventFactorCodes, AboutUser, ToTenant, "activity." + EventFactorCodes, "New recovery codes replaced the former ones."},
	{EventFactorOff, AboutUser, ToTenant, "activity." + EventFactorOff, "The second factor was switched off."},
	{EventFactorRecovered, AboutUser, ToTenant, "activity." + EventFactorRecovered, "A recovery code was used."},
	{EventFactorFailed, AboutUser, ToTenant, "activity." + EventFactorFailed, "A code for the second factor was wrong."},
	{EventFactorForgotten, AboutUser, ToTenant, "activity." + EventFactorForgotten, "A remembered browser was forgotten."},
	{EventPasskeyAdded, AboutUser, ToTenant, "activity." + EventPasskeyAdded, "A passkey was added."},
	{EventPasskeyRemoved, AboutUser, ToTenant, "activity." + EventPasskeyRemoved, "A passkey was removed."},
	{EventPasskeyCopied, AboutUser, ToTenant, "activity." + EventPasskeyCopied, "A passkey's counter went back: there is a copy of it."},
	{EventIdentityLinked, AboutUser, ToTenant, otherChange, "An account at an upstream provider was linked."},
	{EventIdentityUnlinked, AboutUser, ToTenant, otherChange, "An account at an upstream provider was unlinked."},
	{EventUpstreamFailed, AboutUser, ToTenant, otherChange, "An upstream provider's answer was refused. Detail says why."},
	{EventAccountSecured, AboutUser, ToClient, "activity." + EventAccountSecured, "An account was closed by the link \"This was not me\"."},
	{EventAccountOpened, AboutUser, ToClient, "activity." + EventAccountOpened, "A secured account was opened again."},
	{EventAccountReviewed, AboutUser, ToTenant, "activity." + EventAccountReviewed, "The owner of a secured account removed ways to sign in."},
	{EventDataDownloaded, AboutUser, ToTenant, "activity." + EventDataDownloaded, "A user downloaded everything that is stored about the account."},
	{EventGrantRevoked, AboutUser, ToClient, "activity." + EventGrantRevoked, "A client gave back what it was granted."},
	{EventTokenRevoked, AboutUser, ToClient, "activity." + EventTokenRevoked, "A client revoked one access token."},
	{EventRefreshReused, AboutUser, ToClient, "activity." + EventRefreshReused, "A refresh token came a second time. Its grant was revoked."},
	{EventRefreshAhead, AboutUser, ToClient, "activity." + EventRefreshAhead, "A refresh token was newer than the database. Its grant was revoked."},
	{EventCodeReused, AboutUser, ToClient, otherChange, "An authorization code came a second time. Its grant was revoked."},
	{EventCodeBurnt, AboutUser, ToClient, otherChange, "An authorization code came with a wrong PKCE verifier, which spent it."},
	{EventClientAdded, AboutClient, ToTenant, "", "A client was added."},
	{EventClientChanged, AboutClient, ToTenant, "", "A client was changed."},
	{EventClientRemoved, AboutClient, ToTenant, "", "A client was removed."},
	{EventClientUnprotected, AboutClient, ToTenant, "", "A client redeemed a code without PKCE and without a secret."},
	{EventTenantAdded, AboutTenant, ToTenant, "", "A tenant was added."},
	{EventTenantChanged, AboutTenant, ToTenant, "", "A tenant's settings were changed."},
	{EventTenantRemoved, AboutTenant, ToOperator, "", "A tenant was removed. The default tenant has the event."},
	{EventKeyRotated, AboutTenant, ToTenant, "", "A new signing key replaced the former one."},
	{EventKeyRemoved, AboutTenant, ToTenant, "", "A signing key was removed."},
	{EventMailRetried, AboutTenant, ToTenant, "", "Mails that had been given up were queued again."},
	{EventSecretReplaced, AboutInstallation, ToOperator, "", "Values were sealed anew with another master secret."},
	{EventSecretForgotten, AboutInstallation, ToOperator, "", "A master secret was forgotten."},
	{EventDatabaseRestored, AboutInstallation, ToOperator, "", "Sessions and grants that a restored backup had brought back were ended."},
	{EventAuditPruned, AboutInstallation, ToOperator, "", "Old events were deleted or shortened by a command."},
}

var eventKinds = func() map[string]*EventKind {
	byKind := make(map[string]*EventKind, len(EventKinds))
	for i := range EventKinds {
		byKind[EventKinds[i].Kind] = &EventKinds[i]
	}
	return byKind
}()

// IsEventKind reports whether the table has a kind.
func IsEventKind(kind string) bool { return eventKinds[kind] != nil }

// EventSentence returns the id of the text that tells a user what an event of this kind means. Kinds
// without a sentence, and those of a newer release, have a general one: what happened to an account is
// not hidden from its owner.
func EventSentence(kind string) string {
	if k := eventKinds[kind]; k != nil && k.Sentence != "" {
		return k.Sentence
	}
	return otherChange
}
