package storagetest

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// The functions of this file make changes of one thing each, for tests, which set up a state by them. The
// program says in one storage.Change all that belongs together.

// AddUser adds a user with credentials, and spends a value unless once is nil.
func AddUser(ctx context.Context, s storage.Changes, u storage.User, creds []storage.Credential,
	once *storage.Spent,
) error {
	ch := storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: u.UpdatedAt, Add: &u, Credentials: creds}
	if once != nil {
		ch.Spend = []storage.Spent{*once}
	}
	return s.Apply(ctx, ch)
}

// UpdateUser stores the fields of a user.
func UpdateUser(ctx context.Context, s storage.Changes, u storage.User) error {
	return s.Apply(ctx, storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: u.UpdatedAt, Update: &u})
}

// RemoveUser removes a user.
func RemoveUser(ctx context.Context, s storage.Changes, tenant, id string, at time.Time) error {
	return s.Apply(ctx, storage.Change{TenantID: tenant, UserID: id, Now: at, Remove: true})
}

// ChangeCredential stores a credential and raises its user's CredentialVersion.
func ChangeCredential(ctx context.Context, s storage.Changes, c storage.Credential) error {
	return s.Apply(ctx, storage.Change{
		TenantID: c.TenantID, UserID: c.UserID, Now: c.UpdatedAt, Raise: true, Credentials: []storage.Credential{c},
	})
}

// AddIdentity links an identity to its user.
func AddIdentity(ctx context.Context, s storage.Changes, i storage.Identity) error {
	return s.Apply(ctx, storage.Change{TenantID: i.TenantID, UserID: i.UserID, Now: i.CreatedAt,
		Link: []storage.Identity{i}})
}

// RemoveIdentity unlinks an identity from its user.
func RemoveIdentity(ctx context.Context, s storage.Changes, i storage.Identity) error {
	return s.Apply(ctx, storage.Change{TenantID: i.TenantID, UserID: i.UserID, Now: i.CreatedAt,
		Unlink: []storage.Identity{i}})
}

// AddSession adds a session of its user.
func AddSession(ctx context.Context, s storage.Changes, n storage.Session) error {
	return s.Apply(ctx, storage.Change{TenantID: n.TenantID, UserID: n.UserID, Now: n.CreatedAt, AddSession: &n})
}

// RenewSession renews a session whose SecretHash is still was.
func RenewSession(ctx context.Context, s storage.Changes, n storage.Session, was []byte) error {
	return s.Apply(ctx, storage.Change{
		TenantID: n.TenantID, UserID: n.UserID, Now: n.SeenAt, RenewSession: &storage.SessionRenewal{Session: n, Was: was},
	})
}

// PutConsent stores a consent in the place of what was allowed before.
func PutConsent(ctx context.Context, s storage.Changes, c storage.Consent) error {
	return s.Apply(ctx, storage.Change{TenantID: c.TenantID, UserID: c.UserID, Now: c.GrantedAt, Consent: &c})
}

// PutCode stores a code with the deliveries that carry it.
func PutCode(ctx context.Context, s storage.Changes, c storage.Code, deliveries ...storage.Delivery) error {
	return s.Apply(ctx, storage.Change{
		TenantID: c.TenantID, UserID: c.UserID, Now: c.CreatedAt, Codes: []storage.Code{c}, Deliveries: deliveries,
	})
}

// Enqueue stores deliveries.
func Enqueue(ctx context.Context, s storage.Changes, deliveries ...storage.Delivery) error {
	return s.Apply(ctx, storage.Change{Deliveries: deliveries})
}
