package storage

import (
	"context"
	"time"
)

// SealedKind is a kind of stored values that are sealed with keys of the master secrets.
type SealedKind string

// The kinds of sealed values.
const (
	SealedKeys        SealedKind = "signing keys"     // Key.Private
	SealedSettings    SealedKind = "upstream secrets" // the JSON of TenantSettings, which holds them
	SealedCredentials SealedKind = "credentials"      // Credential.Data, of some kinds
	SealedMails       SealedKind = "messages"         // Mail.Data
	SealedCodes       SealedKind = "mailed codes"     // Code.Data
)

// SealedValue is a sealed value, as it is stored, and whose it is.
type SealedValue struct {
	TenantID string
	UserID   string // of credentials
	Kind     string // of credentials
	ID       string // of the key, mail, code or credential; "" for settings
	Data     []byte
}

// SealedChange replaces a value while it is still what it was.
type SealedChange struct {
	SealedValue
	To []byte
}

// MasterSecret is a secret on which sealed values hang. The database knows its fingerprint
// alone.
type MasterSecret struct {
	Fingerprint string
	SealedAt    time.Time // when a process last said that it seals with it
}

// Sealed is for replacing master secrets: it walks over what they sealed, of all tenants.
type Sealed interface {
	// SealedValues lists values of the kind in the order of their keys, at most limit after
	// the given one (the zero SealedValue for the first). Credentials of every kind are among
	// them: most are not sealed.
	SealedValues(ctx context.Context, kind SealedKind, after SealedValue, limit int) ([]SealedValue, error)
	// ReplaceSealed makes the changes, and says how many there were: a value that has
	// changed meanwhile stays as it is.
	ReplaceSealed(ctx context.Context, kind SealedKind, changes []SealedChange) (int, error)
	// MasterSecrets lists the secrets on which stored values hang, by fingerprint.
	MasterSecrets(ctx context.Context) ([]MasterSecret, error)
	// UseMasterSecret says that a process seals with a secret from now on.
	UseMasterSecret(ctx context.Context, fingerprint string, now time.Time) error
	// ForgetMasterSecret says that nothing hangs on a secret any more. ErrStale: a process
	// has said since that it seals with it, or it is forgotten already. The events are recorded
	// if and only if it happens.
	ForgetMasterSecret(ctx context.Context, m MasterSecret, events ...Event) error
}
