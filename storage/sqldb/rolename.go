package sqldb

import (
	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Values of the column owner_kind.
const (
	ofClient = "client"
	ofAPI    = "api"
)

// ownerOf returns the columns owner_kind and owner of a role.
func ownerOf(r storage.RoleName) (kind, owner string) {
	if r.API != "" {
		return ofAPI, r.API
	}
	return ofClient, r.Client
}

// roleName is the reverse of ownerOf.
func roleName(kind, owner, name string) storage.RoleName {
	if kind == ofAPI {
		return storage.RoleName{API: owner, Name: name}
	}
	return storage.RoleName{Client: owner, Name: name}
}

// roleArgs returns the arguments that name a role: $1 to $4.
func roleArgs(tenant string, r storage.RoleName, more ...any) []any {
	kind, owner := ownerOf(r)
	return append([]any{tenant, kind, owner, r.Name}, more...)
}

// newKey returns a key for a group or a role. It stays with it, and is never used again.
func newKey() string { return uuid.Must(uuid.NewV7()).String() }
