package clients

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Recorder puts what was done on record.
type Recorder func(context.Context, storage.Event) error

// Add stores a new client that [Validate] finds nothing wrong with, and returns it as it was stored.
// storage.ErrExists: the id is taken.
func Add(ctx context.Context, store storage.Clients, c storage.Client, record Recorder) (storage.Client, error) {
	switch _, err := store.Client(ctx, c.TenantID, c.ClientID); {
	case err == nil:
		return c, storage.ErrExists
	case !errors.Is(err, storage.ErrNotFound):
		return c, err
	}
	c.CreatedAt = time.Now()
	c.UpdatedAt = c.CreatedAt
	if err := store.PutClient(ctx, c); err != nil {
		return c, err
	}
	return c, record(ctx, storage.Event{TenantID: c.TenantID, Kind: storage.EventClientAdded, ClientID: c.ClientID})
}

// Remove removes the client with users' consents and grants to it. storage.ErrNotFound: there is none.
func Remove(ctx context.Context, store storage.Clients, tenant, id string, record Recorder) error {
	if err := store.RemoveClient(ctx, tenant, id, time.Now()); err != nil {
		return err
	}
	return record(ctx, storage.Event{TenantID: tenant, Kind: storage.EventClientRemoved, ClientID: id})
}

// All walks the tenant's clients by id, with a rest after each page.
func All(ctx context.Context, store storage.Clients, tenant string) iter.Seq2[storage.Client, error] {
	page := func(after string) ([]storage.Client, error) {
		return store.Clients(ctx, tenant, after, listing.PageSize)
	}
	return listing.All(page, func(c storage.Client) string { return c.ClientID })
}
