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
	SealedMails       SealedKind = "messages"         // Delivery.Data
	SealedCodes       SealedKind = "mailed codes"     // Code.Data
	SealedWebhooks    SealedKind = "webhook secrets"  // Webhook.Data
	SealedApps        SealedKind = "keys of apps"     // TenantSession.Data
	SealedPairwise    SealedKind = "pairwise keys"    // of PairwiseKeys
)

// SealedValue is a sealed value as it is stored, and the key of its row.
type SealedValue struct {
	TenantID string
	UserID   string // of credentials
	Kind     string // of credentials
	ID       string // of the key, mail, code or credential; "" for settings
	Data     []byte
}

// SealedChange replaces a value that is still the same.
type SealedChange struct {
	SealedValue
	To []byte
}

// MasterSecret is a secret that opens sealed values. The database has its fingerprint only.
type MasterSecret struct {
	Fingerprint string
	SealedAt    time.Time // when a process last said that it seals with it
}

// Sealed walks over the sealed values of all tenants, so that a master secret can be replaced.
type Sealed interface {
	// SealedValues lists values of the kind in the order of their keys, at most limit after
	// the given one (the zero SealedValue for the first). It lists credentials of every kind,
	// although most are not sealed.
	SealedValues(ctx context.Context, kind SealedKind, after SealedValue, limit int) ([]SealedValue, error)
	// ReplaceSealed makes the changes and returns how many it made: a value that has changed meanwhile
	// stays as it is.
	ReplaceSealed(ctx context.Context, kind SealedKind, changes []SealedChange) (int, error)
	// MasterSecrets lists the secrets that stored values need, by fingerprint.
	MasterSecrets(ctx context.Context) ([]MasterSecret, error)
	// UseMasterSecret stores that a process seals with a secret from now on.
	UseMasterSecret(ctx context.Context, fingerprint string, now time.Time) error
	// ForgetMasterSecret stores that no value needs a secret any more. ErrStale: a process has begun to
	// seal with it since, or it is forgotten already. The events are recorded if and only if it happens.
	ForgetMasterSecret(ctx context.Context, m MasterSecret, events ...Event) error
}
