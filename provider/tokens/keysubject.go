package tokens

import (
	"context"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ClientOfKey returns the client that an API key belongs to. For the key of a user it returns a client that is not
// stored, named by the key's id, which may do what the key may.
func ClientOfKey(k *storage.PresentedKey) *storage.Client {
	if k.Client != nil {
		return k.Client
	}
	return &storage.Client{TenantID: k.TenantID, ClientID: k.ID, ClientName: k.Name, Scope: strings.Join(k.Scopes, " ")}
}

// SubjectOfKey returns what rules about claims read of the owner of an API key, for a token of the client.
func (m *Maker) SubjectOfKey(
	ctx context.Context, t *issuer.Tenant, c *storage.Client, k *storage.PresentedKey,
) (*claims.Subject, error) {
	s := &claims.Subject{Tenant: &t.Tenant, Client: c, User: k.User}
	if k.User == nil {
		return s, m.ReadClientRoles(ctx, s, k.OwnerID())
	}
	if s.Rules().NeedBelonging() {
		b, err := m.Store.Belonging(ctx, t.ID, k.User.ID)
		if err != nil {
			return nil, fmt.Errorf("what the owner of a key belongs to: %w", err)
		}
		s.Belonging = &b
	}
	return s, m.ReadIdentities(ctx, s, k.User.ID)
}
