package password

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// sampledTenants and sampledHashes bound how many stored hashes LearnFrom looks at.
	sampledTenants = 100
	sampledHashes  = 200
)

// Store is where LearnFrom finds hashes.
type Store interface {
	Tenants(ctx context.Context, after string, limit int) ([]storage.Tenant, error)
	SomeCredentials(ctx context.Context, tenant, kind string, limit int) ([]storage.Credential, error)
}

// LearnFrom learns what the stored hashes cost, from a sample. After a setting was lowered, old hashes cost more
// than new ones: a wrong password then costs as much as an old hash, whether or not the account exists.
func (h *Hasher) LearnFrom(ctx context.Context, s Store) error {
	tenants, err := s.Tenants(ctx, "", sampledTenants)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		creds, err := s.SomeCredentials(ctx, t.ID, storage.PasswordCredential, sampledHashes)
		if err != nil {
			return err
		}
		for _, c := range creds {
			h.Learn(c.Data)
		}
	}
	return nil
}
