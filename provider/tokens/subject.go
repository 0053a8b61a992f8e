package tokens

import (
	"context"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Names returns by what a client knows the users and sessions of the tenant: by their ids, unless it is pairwise. Every
// token for the client says so, whatever API it is for: a client can read its access tokens, so that a sub of another
// kind would tell it what pairwise keeps from it (RFC 9068 section 6).
func (m *Maker) Names(ctx context.Context, c *storage.Client) (pairwise.Names, error) {
	if !c.Pairwise() {
		return pairwise.Names{}, nil
	}
	return m.Pairwise.Names(ctx, c.TenantID, clients.Sector(c))
}

// IDOf returns the id of the user or the session that a token of the tenant names. It opens names of every sector,
// because the sector of a client may have changed since.
func (m *Maker) IDOf(ctx context.Context, t *issuer.Tenant, name string) (string, error) {
	if !pairwise.Looks(name) {
		return name, nil
	}
	id, err := m.Pairwise.IDOf(ctx, t.ID, name)
	if err != nil || id != "" {
		return id, err
	}
	return name, nil
}
