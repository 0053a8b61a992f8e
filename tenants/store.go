package tenants

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ErrDefault is returned for what cannot be done to the default tenant.
var ErrDefault = errors.New("the default tenant can't be removed, because its URL is the issuer's own")

// Add stores a new tenant and returns it as it was stored. storage.ErrExists: the id or its host is
// taken, or was taken by a tenant since removed.
func Add(ctx context.Context, store storage.Tenants, t storage.Tenant, by audit.By) (storage.Tenant, error) {
	t.CreatedAt = time.Now().UTC().Truncate(time.Microsecond)
	return t, store.AddTenant(ctx, t, by(storage.Event{TenantID: t.ID, Kind: storage.EventTenantAdded}))
}

// Remove removes the tenant with all its data. storage.ErrNotFound: there is none. [ErrDefault]: it is the
// default tenant.
func Remove(ctx context.Context, store storage.Tenants, id string, by audit.By) error {
	if id == storage.DefaultTenant {
		return ErrDefault
	}
	// The audit trail of the tenant is gone with its data. That of the default tenant, whose users
	// run the installation, remembers.
	removed := by(storage.Event{TenantID: storage.DefaultTenant, Kind: storage.EventTenantRemoved,
		Detail: map[string]string{"tenant": id}})
	return store.RemoveTenant(ctx, id, time.Now(), removed)
}

// All walks all tenants by id, with a rest after each page.
func All(ctx context.Context, store storage.Tenants) iter.Seq2[storage.Tenant, error] {
	page := func(after string) ([]storage.Tenant, error) { return store.Tenants(ctx, after, listing.PageSize) }
	return listing.All(page, func(t storage.Tenant) string { return t.ID })
}

// Issuer returns the tenant's iss, where issuer is that of the default tenant.
func Issuer(issuer string, t storage.Tenant) string {
	if u, err := url.Parse(issuer); err == nil && t.Host != "" {
		return u.Scheme + "://" + t.Host
	}
	if t.ID == storage.DefaultTenant {
		return issuer
	}
	return issuer + "/t/" + t.ID
}
