package storage

import (
	"context"
	"time"
)

// APIKey is a key with which a program calls APIs, in the name of its owner: a user or a client. The key itself is
// shown once and not stored.
type APIKey struct {
	TenantID string
	ID       string // UUIDv7
	Hash     []byte // SHA-256 of the key
	Start    string // the first characters, by which its owner recognises it
	Name     string // what its owner calls it
	UserID   string // the owner, or ""
	ClientID string // the owner, or ""
	Scopes   []string
	// ReplacedBy is the id of the key that replaces it; "" for none.
	ReplacedBy string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     time.Time // when it was used last, to an hour; zero for never
}

// APIKeyName names a key of a Change: of the client, or of the user that the change is about if ClientID is "". AllIDs
// as ID names all keys of the owner.
type APIKeyName struct{ ID, ClientID string }

// APIKeyReplacement lets the key By replace another one, which expires at ExpiresAt if it does not expire before.
type APIKeyReplacement struct {
	APIKeyName
	By        string
	ExpiresAt time.Time
}

// APIKeyOwner is the user or the client that a key belongs to; the other one is nil.
type APIKeyOwner struct {
	User   *User
	Client *Client
}

// PresentedKey is a living key that a request brought. Its Scopes are those that the owner may still have.
type PresentedKey struct {
	APIKey
	APIKeyOwner
}

// OwnerID returns the id of the user or the client.
func (k *PresentedKey) OwnerID() string {
	if k.User != nil {
		return k.User.ID
	}
	return k.Client.ClientID
}

// APIKeys keeps the keys. A Change adds, replaces and removes them. A key is alive while it has not expired; while its
// user exists, is enabled and has the CredentialVersion with which the key was added; or while its client is enabled,
// and was not removed since.
type APIKeys interface {
	// LiveAPIKey returns the living key with the hash, and its owner, in one read. ofClient says which kind of owner it
	// has. ErrNotFound for any other key.
	LiveAPIKey(ctx context.Context, tenant string, ofClient bool, hash []byte, now time.Time) (APIKey, APIKeyOwner, error)
	// LiveAPIKeyByID is LiveAPIKey by the key's id.
	LiveAPIKeyByID(ctx context.Context, tenant string, ofClient bool, id string, now time.Time) (
		APIKey, APIKeyOwner, error)
	// APIKeysOf lists the keys of a user, or of a client if userID is "", newest first: also those that have expired
	// lately, but none that died with its owner's version.
	APIKeysOf(ctx context.Context, tenant, userID, clientID string) ([]APIKey, error)
	// UsedAPIKey stores that the key was used, unless a use after since is stored already.
	UsedAPIKey(ctx context.Context, tenant, id string, now, since time.Time) error
	// EndAPIKeys lets all keys of the tenant that were made before a point in time expire, and returns how many.
	EndAPIKeys(ctx context.Context, tenant string, before, now time.Time) (int64, error)
}
