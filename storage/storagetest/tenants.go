package storagetest

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testTenants adds, reads, lists, updates and removes tenants. Ids and hosts are unique, and no id is ever used again.
func testTenants(t *testing.T, s Store) {
	ctx := t.Context()
	if _, err := s.Tenant(ctx, storage.DefaultTenant); err != nil {
		t.Fatalf("the default tenant: %v", err)
	}
	want(t, s.AddTenant(ctx, storage.Tenant{ID: storage.DefaultTenant}), storage.ErrExists)

	a := filled[storage.Tenant]()
	must(t, s.AddTenant(ctx, a))
	got, err := s.Tenant(ctx, a.ID)
	same(t, got, err, a)
	got, err = s.TenantByHost(ctx, a.Host)
	same(t, got, err, a)
	want(t, s.AddTenant(ctx, a), storage.ErrExists)
	want(t, s.AddTenant(ctx, storage.Tenant{ID: "another", Host: a.Host}), storage.ErrExists)

	// Most tenants have no host of their own.
	b := storage.Tenant{ID: newTenant(t, s)}
	c := storage.Tenant{ID: newTenant(t, s)}
	_, err = s.TenantByHost(ctx, "")
	want(t, err, storage.ErrNotFound)
	_, err = s.Tenant(ctx, "nobody")
	want(t, err, storage.ErrNotFound)

	t.Run("pages", func(t *testing.T) {
		seen := pages(t, func(after string, limit int) ([]storage.Tenant, error) { return s.Tenants(ctx, after, limit) },
			func(t storage.Tenant) string { return t.ID })
		for _, id := range []string{a.ID, b.ID, c.ID, storage.DefaultTenant} {
			if !seen[id] {
				t.Errorf("%s was not listed", id)
			}
		}
	})

	t.Run("update", func(t *testing.T) {
		changed := filled[storage.Tenant]()
		changed.ID, changed.Host, changed.CreatedAt, changed.Disabled = b.ID, "b.example.com", now, false
		changed.Version = 1
		must(t, s.UpdateTenant(ctx, changed))
		got, err := s.Tenant(ctx, b.ID)
		same(t, got, err, changed)
		changed.Host = a.Host
		want(t, s.UpdateTenant(ctx, changed), storage.ErrExists)
		changed.Host = "b.example.com"
		stale := changed
		must(t, s.UpdateTenantOf(ctx, changed))
		want(t, s.UpdateTenantOf(ctx, stale), storage.ErrStale)
		got, err = s.Tenant(ctx, b.ID)
		changed.Version = 2
		same(t, got, err, changed)
		changed.ID, changed.Host = "nobody", ""
		want(t, s.UpdateTenant(ctx, changed), storage.ErrNotFound)
		want(t, s.UpdateTenantOf(ctx, changed), storage.ErrNotFound)
	})

	t.Run("removal is for ever", func(t *testing.T) {
		must(t, s.RemoveTenant(ctx, a.ID, now))
		want(t, s.RemoveTenant(ctx, a.ID, now), storage.ErrNotFound)
		_, err := s.Tenant(ctx, a.ID)
		want(t, err, storage.ErrNotFound)
		want(t, s.AddTenant(ctx, storage.Tenant{ID: a.ID}), storage.ErrExists)
		want(t, s.AddTenant(ctx, storage.Tenant{ID: "another", Host: a.Host}), storage.ErrExists)
		_, err = s.Tenant(ctx, "another")
		want(t, err, storage.ErrNotFound)
	})
}
