package clients

import (
	"context"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/storage"
)

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
