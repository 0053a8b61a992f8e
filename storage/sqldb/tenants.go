package sqldb

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/apps"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const tenantColumns = `id, name, host, logo_uri, disabled, created_at, settings, version`

// scanTenant reads a row of a tenant.
func scanTenant(row scanner) (t storage.Tenant, err error) {
	err = row.Scan(&t.ID, &t.Name, &t.Host, &t.LogoURI, &t.Disabled, column.Time(&t.CreatedAt), column.JSON(&t.Settings),
		&t.Version)
	return t, err
}

const addTenant = `
	INSERT INTO tenants (` + tenantColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// removedTenant counts removed tenants with the id or the host: neither is used again.
const removedTenant = `
	SELECT COUNT(*) FROM removed_tenants
	WHERE id = $1 OR (host = $2 AND host <> '')`

// AddTenant implements storage.Tenants.
func (s *Store) AddTenant(ctx context.Context, t storage.Tenant, events ...storage.Event) error {
	err := trail.Change(ctx, s.engine, func(c conn) error {
		if err := insertTenant(c, t); err != nil {
			return err
		}
		return trail.RecordAll(c, events)
	})
	return engine.Named(err, "add tenant", t.ID)
}

// AddTenantLogin implements storage.TenantLogins.
func (s *Store) AddTenantLogin(
	ctx context.Context, t storage.Tenant, l storage.TenantLogin, events ...storage.Event,
) error {
	l.TenantID = t.ID
	err := trail.Change(ctx, s.engine, func(c conn) error {
		if err := insertTenant(c, t); err != nil {
			return err
		}
		if err := apps.InsertLogin(c, l); err != nil {
			return err
		}
		return trail.RecordAll(c, events)
	})
	return engine.Named(err, "add tenant", t.ID)
}

// insertTenant stores a new tenant.
func insertTenant(c conn, t storage.Tenant) error {
	_, err := c.Exec(addTenant, t.ID, t.Name, t.Host, t.LogoURI, t.Disabled, column.Micros(t.CreatedAt),
		column.Encode(t.Settings), t.Version)
	if err != nil {
		return err
	}
	// Looked at after the insertion: that has waited for a removal under way.
	return engine.None(c, removedTenant, t.ID, t.Host)
}

const tenantByID = `SELECT ` + tenantColumns + ` FROM tenants WHERE id = $1 AND removed_at = 0`

// Tenant implements storage.Tenants.
func (s *Store) Tenant(ctx context.Context, id string) (storage.Tenant, error) {
	t, err := one(ctx, s, tenantByID, []any{id}, scanTenant)
	return t, engine.Named(err, "tenant", id)
}

const tenantByHost = `SELECT ` + tenantColumns + ` FROM tenants WHERE host = $1 AND host <> ''`

// TenantByHost implements storage.Tenants.
func (s *Store) TenantByHost(ctx context.Context, host string) (storage.Tenant, error) {
	t, err := one(ctx, s, tenantByHost, []any{host}, scanTenant)
	return t, engine.Named(err, "tenant at", host)
}

const listTenants = `
	SELECT ` + tenantColumns + ` FROM tenants
	WHERE id > $1 AND removed_at = 0
	ORDER BY id LIMIT $2`

// Tenants implements storage.Tenants.
func (s *Store) Tenants(ctx context.Context, after string, limit int) ([]storage.Tenant, error) {
	all, err := list(ctx, s, listTenants, []any{after, limit}, scanTenant)
	return all, engine.Named(err, "tenants after", after)
}

const (
	updateTenant = `
	UPDATE tenants SET name = $2, host = $3, logo_uri = $4, disabled = $5, settings = $6, version = version + 1
	WHERE id = $1 AND removed_at = 0`
	updateTenantOf = updateTenant + ` AND version = $7`
	countTenant    = `SELECT COUNT(*) FROM tenants WHERE id = $1 AND removed_at = 0`
	apisWithRoles  = `SELECT DISTINCT owner FROM roles WHERE tenant_id = $1 AND owner_kind = 'api'`
)

// UpdateTenant implements storage.Tenants.
func (s *Store) UpdateTenant(ctx context.Context, t storage.Tenant, events ...storage.Event) error {
	return engine.Named(trail.Transact(ctx, s.engine, events, func(c conn) error {
		if err := engine.Must(c, storage.ErrNotFound, updateTenant, updateTenantArgs(t)...); err != nil {
			return err
		}
		return s.afterUpdate(c, t)
	}), "update tenant", t.ID)
}

// UpdateTenantOf implements storage.Tenants.
func (s *Store) UpdateTenantOf(ctx context.Context, t storage.Tenant, events ...storage.Event) error {
	return engine.Named(trail.Transact(ctx, s.engine, events, func(c conn) error {
		err := engine.Must(c, storage.ErrStale, updateTenantOf, append(updateTenantArgs(t), t.Version)...)
		if errors.Is(err, storage.ErrStale) {
			if missing := some(c, countTenant, t.ID); missing != nil {
				return missing
			}
		}
		if err != nil {
			return err
		}
		return s.afterUpdate(c, t)
	}), "update tenant", t.ID)
}

// updateTenantArgs returns the arguments of updateTenant.
func updateTenantArgs(t storage.Tenant) []any {
	return []any{t.ID, t.Name, t.Host, t.LogoURI, t.Disabled, column.Encode(t.Settings)}
}

// afterUpdate checks that no removed tenant had the host, and removes the roles of APIs that are gone.
func (s *Store) afterUpdate(c conn, t storage.Tenant) error {
	if err := engine.None(c, removedTenant, t.ID, t.Host); err != nil {
		return err
	}
	var gone []string
	err := c.Each(apisWithRoles, []any{t.ID}, func(row scanner) error {
		api, err := engine.ScanText(row)
		if t.Settings.API(api) == nil {
			gone = append(gone, api)
		}
		return err
	})
	for i := 0; err == nil && i < len(gone); i++ {
		// A removal that began at no time in particular is due at once.
		err = s.removeAllRolesOf(c, t.ID, ofAPI, gone[i], time.Time{})
	}
	return err
}
