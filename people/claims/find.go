package claims

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Store is what Find asks of storage.
type Store interface {
	Tenant(ctx context.Context, id string) (storage.Tenant, error)
	Client(ctx context.Context, tenant, id string) (storage.Client, error)
	User(ctx context.Context, tenant, id string) (storage.User, error)
	Belonging(ctx context.Context, tenant, userID string) (storage.Belonging, error)
	IdentitiesOf(ctx context.Context, tenant, userID string) ([]storage.Identity, error)
}

// Find returns what the claims of a user at a client are made from. The error wraps storage.ErrNotFound if the
// tenant has no such user or client.
func Find(ctx context.Context, store Store, tenant, userID, clientID string) (*Subject, error) {
	t, err := store.Tenant(ctx, tenant)
	if err != nil {
		return nil, err
	}
	c, err := store.Client(ctx, tenant, clientID)
	if err != nil {
		return nil, err
	}
	u, err := store.User(ctx, tenant, userID)
	if err != nil {
		return nil, err
	}
	s := &Subject{Tenant: &t, Client: &c, User: &u}
	if s.Rules().NeedBelonging() || len(c.Allow.Groups) > 0 {
		b, err := store.Belonging(ctx, tenant, userID)
		if err != nil {
			return nil, err
		}
		s.Belonging = &b
	}
	if s.Rules().NeedIdentities() {
		s.Identities, err = store.IdentitiesOf(ctx, tenant, userID)
	}
	return s, err
}

// Refused returns why the user of a Subject that Find has found may not use the client, as storage.ClientAllow says; ""
// if they may.
func (s *Subject) Refused() string {
	var groups []string
	if s.Belonging != nil {
		groups = s.Belonging.Groups
	}
	return s.Client.Allow.Refusal(s.User, groups)
}
