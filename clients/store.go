package clients

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Add stores a new client that [Validate] finds nothing wrong with, and returns it as it was stored.
// storage.ErrExists: the id is taken.
func Add(ctx context.Context, store storage.Clients, c storage.Client, by audit.By) (storage.Client, error) {
	switch _, err := store.Client(ctx, c.TenantID, c.ClientID); {
	case err == nil:
		return c, storage.ErrExists
	case !errors.Is(err, storage.ErrNotFound):
		return c, err
	}
	c.CreatedAt = time.Now()
	c.UpdatedAt = c.CreatedAt
	return c, store.PutClient(ctx, c,
		by(storage.Event{TenantID: c.TenantID, Kind: storage.EventClientAdded, ClientID: c.ClientID}))
}

// Remove removes the client with users' consents and grants to it. storage.ErrNotFound: there is none.
func Remove(ctx context.Context, store storage.Clients, tenant, id string, by audit.By) error {
	return store.RemoveClient(ctx, tenant, id, time.Now(),
		by(storage.Event{TenantID: tenant, Kind: storage.EventClientRemoved, ClientID: id}))
}

// All walks the tenant's clients by id, with a rest after each page.
func All(ctx context.Context, store storage.Clients, tenant string) iter.Seq2[storage.Client, error] {
	page := func(after string) ([]storage.Client, error) {
		return store.Clients(ctx, tenant, after, listing.PageSize)
	}
	return listing.All(page, func(c storage.Client) string { return c.ClientID })
}
