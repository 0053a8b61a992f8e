package sqldb

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
)

// What users and others lose with a group or a role that is removed.
const (
	removeRolesOf       = `DELETE FROM roles WHERE tenant_id = $1 AND owner_kind = $2 AND owner = $3 RETURNING key`
	takeRoleFromGroups  = `DELETE FROM group_roles WHERE tenant_id = $1 AND role_key = $2`
	takeRoleFromClients = `DELETE FROM client_roles WHERE tenant_id = $1 AND role_key = $2`
	// So many at a time, $3.
	removeSomeHolders = `
		DELETE FROM user_roles WHERE tenant_id = $1 AND (tenant_id, user_id, role_key) IN (
			SELECT tenant_id, user_id, role_key FROM user_roles WHERE tenant_id = $1 AND role_key = $2 LIMIT $3)`
	edgeOfHolders = `
		SELECT user_id FROM user_roles
		WHERE tenant_id = $1 AND role_key = $2 AND user_id > $3
		ORDER BY user_id LIMIT 1 OFFSET $4`
	removeHolders = `
		DELETE FROM user_roles
		WHERE tenant_id = $1 AND role_key = $2 AND user_id > $3 AND user_id <= $4`
	edgeOfMembers = `
		SELECT user_id FROM memberships
		WHERE tenant_id = $1 AND group_key = $2 AND user_id > $3
		ORDER BY user_id LIMIT 1 OFFSET $4`
	removeMembers = `
		DELETE FROM memberships
		WHERE tenant_id = $1 AND group_key = $2 AND user_id > $3 AND user_id <= $4`
)

// takeFromAll takes a removed role from all that have it, or from as many as go in one transaction.
func (s *Store) takeFromAll(c conn, tenant, key string, now time.Time) ([]storage.Removal, error) {
	for _, query := range []string{takeRoleFromGroups, takeRoleFromClients} {
		if _, err := c.Exec(query, tenant, key); err != nil {
			return nil, err
		}
	}
	return s.removeSome(c, removeSomeHolders, storage.Removal{
		TenantID: tenant, Kind: storage.RemovalRole, ID: key, Since: now,
	})
}

// removeAllRolesOf removes the roles that belong to a client or an API. What is left of them is removed later.
func (s *Store) removeAllRolesOf(c conn, tenant, kind, owner string, now time.Time) error {
	var keys []string
	err := c.Each(removeRolesOf, []any{tenant, kind, owner}, func(row scanner) error {
		key, err := engine.ScanText(row)
		keys = append(keys, key)
		return err
	})
	for i := 0; err == nil && i < len(keys); i++ {
		_, err = s.takeFromAll(c, tenant, keys[i], now)
	}
	return err
}

// removeRestOfRole takes a removed role from the users who had it.
func (s *Store) removeRestOfRole(ctx context.Context, r removal, told func(rows int64)) error {
	return s.worker.Walk(ctx, parts.Walk{Edge: edgeOfHolders, Do: removeHolders, Args: []any{r.TenantID, r.ID}}, told)
}

// removeRestOfGroup deletes the memberships of a removed group.
func (s *Store) removeRestOfGroup(ctx context.Context, r removal, told func(rows int64)) error {
	return s.worker.Walk(ctx, parts.Walk{Edge: edgeOfMembers, Do: removeMembers, Args: []any{r.TenantID, r.ID}}, told)
}
