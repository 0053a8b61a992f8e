package sqldb

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const listAdministrators = `
	SELECT ` + userColumns + ` FROM users
	WHERE tenant_id = $1 AND admin_role <> '' AND id > $2 AND removed_at = 0
	ORDER BY id LIMIT $3`

// Administrators implements storage.Users.
func (s *Store) Administrators(ctx context.Context, tenant, after string, limit int) ([]storage.User, error) {
	all, err := list(ctx, s, listAdministrators, []any{tenant, after, limit}, scanUser)
	return all, engine.Named(err, "administrators after", after)
}

const (
	adminRoleOf = `SELECT admin_role FROM users WHERE tenant_id = $1 AND id = $2`
	// It changes nothing, but locks all owners: two changes that would each leave the other's owner as the last one
	// queue here. The first comparison lets the engines use the index.
	holdOwners = `
		UPDATE users SET admin_role = admin_role
		WHERE tenant_id = $1 AND admin_role <> '' AND admin_role = 'owner' AND removed_at = 0`
	setAdmin = `
		UPDATE users SET admin_role = $3, updated_at = $4
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	countOwners = `
		SELECT COUNT(*) FROM users
		WHERE tenant_id = $1 AND admin_role <> '' AND admin_role = 'owner' AND removed_at = 0
			AND (NOT disabled OR secured_at <> 0)`
)

// mayLoseOwner reports whether the change could take a tenant's owner away.
func mayLoseOwner(ch *storage.Change) bool {
	disables := ch.Update != nil && ch.Update.Disabled && ch.Update.SecuredAt.IsZero()
	return ch.Remove || disables || ch.SetAdmin != nil && *ch.SetAdmin != storage.RoleOwner
}

// holdOwner locks what decides whether the tenant keeps an owner, if the change could take one away. It reports
// whether the user is an owner.
func holdOwner(c conn, ch *storage.Change) (owner bool, err error) {
	if !mayLoseOwner(ch) || ch.Add != nil {
		return false, nil
	}
	role, err := engine.ScanText(c.Row(adminRoleOf, ch.TenantID, ch.UserID))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil // a later step says so
	}
	if err != nil || role != storage.RoleOwner {
		return false, err
	}
	_, err = c.Exec(holdOwners, ch.TenantID)
	return true, err
}

// keepsOwner returns ErrLastOwner if the tenant has no owner who can sign in.
func keepsOwner(c conn, ch *storage.Change) error {
	n, err := engine.ScanCount(c.Row(countOwners, ch.TenantID))
	if err == nil && n == 0 {
		err = storage.ErrLastOwner
	}
	return err
}

// applyAdmin sets the user's role as an administrator.
func applyAdmin(c conn, ch *storage.Change) error {
	if ch.SetAdmin == nil {
		return nil
	}
	return engine.Must(c, storage.ErrNotFound, setAdmin, ch.TenantID, ch.UserID, *ch.SetAdmin, column.Micros(ch.Now))
}
