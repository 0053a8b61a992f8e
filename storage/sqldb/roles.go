package sqldb

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const (
	roleColumns = `roles.tenant_id, roles.owner_kind, roles.owner, roles.name, roles.title, roles.created_at,
	roles.updated_at`
	// thisRole is which row roleArgs names.
	thisRole = `roles.tenant_id = $1 AND roles.owner_kind = $2 AND roles.owner = $3 AND roles.name = $4`
)

// scanRole reads a row of roleColumns.
func scanRole(row scanner) (r storage.Role, err error) {
	kind, owner, name := "", "", ""
	err = row.Scan(&r.TenantID, &kind, &owner, &name, &r.Title, column.Time(&r.CreatedAt), column.Time(&r.UpdatedAt))
	r.RoleName = roleName(kind, owner, name)
	return r, err
}

const (
	addRole = `
		INSERT INTO roles (tenant_id, owner_kind, owner, name, key, title, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	// It changes nothing, but locks the row: the removal of the client waits, and then removes the role, too.
	holdClient = `UPDATE clients SET epoch = epoch WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
)

// AddRole implements storage.Roles.
func (s *Store) AddRole(ctx context.Context, r storage.Role, events ...storage.Event) error {
	return engine.Named(trail.Transact(ctx, s.engine, events, func(c conn) error {
		if r.Client != "" {
			if err := engine.Must(c, storage.ErrNotFound, holdClient, r.TenantID, r.Client); err != nil {
				return err
			}
		}
		_, err := c.Exec(addRole, roleArgs(r.TenantID, r.RoleName, newKey(), r.Title, column.Micros(r.CreatedAt),
			column.Micros(r.UpdatedAt))...)
		return err
	}), "add role", r.Name)
}

const updateRole = `
	UPDATE roles SET title = $5, updated_at = $6
	WHERE (updated_at = $7 OR $7 = 0) AND ` + thisRole

// UpdateRole implements storage.Roles.
func (s *Store) UpdateRole(ctx context.Context, r storage.Role, was time.Time, events ...storage.Event) error {
	return engine.Named(trail.Transact(ctx, s.engine, events, func(c conn) error {
		err := engine.Must(c, storage.ErrStale, updateRole, roleArgs(r.TenantID, r.RoleName, r.Title,
			column.Micros(r.UpdatedAt), column.Micros(was))...)
		return staleOr(err, c, countRole, roleArgs(r.TenantID, r.RoleName)...)
	}), "update role", r.Name)
}

const removeRole = `DELETE FROM roles WHERE ` + thisRole + ` AND (updated_at = $5 OR $5 = 0) RETURNING key`

// RemoveRole implements storage.Roles.
func (s *Store) RemoveRole(ctx context.Context, r storage.Role, now time.Time, events ...storage.Event) error {
	var left []storage.Removal
	err := trail.Transact(ctx, s.engine, events, func(c conn) (err error) {
		left = nil // it may be a repetition
		key, err := engine.ScanText(c.Row(removeRole, roleArgs(r.TenantID, r.RoleName, column.Micros(r.UpdatedAt))...))
		if errors.Is(err, storage.ErrNotFound) {
			return staleOr(storage.ErrStale, c, countRole, roleArgs(r.TenantID, r.RoleName)...)
		}
		if err == nil {
			left, err = s.takeFromAll(c, r.TenantID, key, now)
		}
		return err
	})
	return engine.Named(s.finish(ctx, err, left), "remove role", r.Name)
}

const roleByName = `SELECT ` + roleColumns + ` FROM roles WHERE ` + thisRole

// Role implements storage.Roles.
func (s *Store) Role(ctx context.Context, tenant string, r storage.RoleName) (storage.Role, error) {
	found, err := one(ctx, s, roleByName, roleArgs(tenant, r), scanRole)
	return found, engine.Named(err, "role", r.Name)
}

const rolesOfOwner = `
	SELECT ` + roleColumns + ` FROM roles
	WHERE roles.tenant_id = $1 AND roles.owner_kind = $2 AND roles.owner = $3 AND roles.name > $4
	ORDER BY roles.name LIMIT $5`

// RolesOfClient implements storage.Roles.
func (s *Store) RolesOfClient(ctx context.Context, tenant, clientID, after string, limit int) ([]storage.Role, error) {
	all, err := list(ctx, s, rolesOfOwner, []any{tenant, ofClient, clientID, after, limit}, scanRole)
	return all, engine.Named(err, "roles of client", clientID)
}

// RolesOfAPI implements storage.Roles.
func (s *Store) RolesOfAPI(ctx context.Context, tenant, api, after string, limit int) ([]storage.Role, error) {
	all, err := list(ctx, s, rolesOfOwner, []any{tenant, ofAPI, api, after, limit}, scanRole)
	return all, engine.Named(err, "roles of API", api)
}
