package sqldb

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

// Giving a role locks the row of the role and that of the holder: their removal waits, and then takes it.
const (
	giveUser = `
		INSERT INTO user_roles (tenant_id, user_id, role_key, created_at)
		SELECT roles.tenant_id, users.id, roles.key, $6 FROM roles
		JOIN users ON users.tenant_id = $1 AND users.id = $5 AND users.removed_at = 0
		WHERE ` + thisRole
	giveGroup = `
		INSERT INTO group_roles (tenant_id, group_key, role_key, created_at, group_id)
		SELECT roles.tenant_id, groups.key, roles.key, $6, groups.id FROM roles
		JOIN groups ON groups.tenant_id = $1 AND groups.id = $5
		WHERE ` + thisRole
	giveClient = `
		INSERT INTO client_roles (tenant_id, client_id, role_key, created_at)
		SELECT roles.tenant_id, clients.id, roles.key, $6 FROM roles
		JOIN clients ON clients.tenant_id = $1 AND clients.id = $5 AND clients.removed_at = 0
		WHERE ` + thisRole
	onlyOnce           = ` ON CONFLICT DO NOTHING`
	holdBoth           = ` FOR KEY SHARE ON CONFLICT DO NOTHING`
	giveUserSQLite     = giveUser + onlyOnce
	giveUserPostgres   = giveUser + holdBoth
	giveGroupSQLite    = giveGroup + onlyOnce
	giveGroupPostgres  = giveGroup + holdBoth
	giveClientSQLite   = giveClient + onlyOnce
	giveClientPostgres = giveClient + holdBoth

	keyOfRole = `(SELECT roles.key FROM roles WHERE ` + thisRole + `)`
	takeUser  = `DELETE FROM user_roles WHERE tenant_id = $1 AND user_id = $5 AND role_key = ` + keyOfRole
	takeGroup = `
		DELETE FROM group_roles
		WHERE tenant_id = $1 AND role_key = ` + keyOfRole + ` AND group_key = (
			SELECT groups.key FROM groups WHERE groups.tenant_id = $1 AND groups.id = $5)`
	takeClient = `DELETE FROM client_roles WHERE tenant_id = $1 AND client_id = $5 AND role_key = ` + keyOfRole

	countRole   = `SELECT COUNT(*) FROM roles WHERE ` + thisRole
	countUser   = `SELECT COUNT(*) FROM users WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	countClient = `SELECT COUNT(*) FROM clients WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
)

// GiveRole implements storage.Roles.
func (s *Store) GiveRole(ctx context.Context, tenant string, r storage.RoleName, to storage.RoleHolder,
	now time.Time, events ...storage.Event,
) error {
	give, there, holder := s.text(giveUserSQLite, giveUserPostgres), countUser, to.User
	switch {
	case to.Group != "":
		give, there, holder = s.text(giveGroupSQLite, giveGroupPostgres), countGroup, to.Group
	case to.Client != "":
		give, there, holder = s.text(giveClientSQLite, giveClientPostgres), countClient, to.Client
	}
	return engine.Named(trail.Transact(ctx, s.engine, events, func(c conn) error {
		if err := holdRoleWas(c, tenant, to.User, to.RoleWas); err != nil {
			return err
		}
		n, err := c.Exec(give, roleArgs(tenant, r, holder, column.Micros(now))...)
		if err != nil || n > 0 {
			return err
		}
		if err := some(c, countRole, roleArgs(tenant, r)...); err != nil {
			return err
		}
		if err := some(c, there, tenant, holder); err != nil {
			return err
		}
		return storage.ErrExists
	}), "give role", r.Name)
}

// TakeRole implements storage.Roles.
func (s *Store) TakeRole(ctx context.Context, tenant string, r storage.RoleName, from storage.RoleHolder,
	events ...storage.Event,
) error {
	take, holder := takeUser, from.User
	switch {
	case from.Group != "":
		take, holder = takeGroup, from.Group
	case from.Client != "":
		take, holder = takeClient, from.Client
	}
	return engine.Named(trail.Transact(ctx, s.engine, events, func(c conn) error {
		if err := holdRoleWas(c, tenant, from.User, from.RoleWas); err != nil {
			return err
		}
		return engine.Must(c, storage.ErrNotFound, take, roleArgs(tenant, r, holder)...)
	}), "take role", r.Name)
}

// applyRoles takes roles from the user and gives some.
func (s *Store) applyRoles(c conn, ch *storage.Change) error {
	for _, r := range ch.TakeRoles {
		if _, err := c.Exec(takeUser, roleArgs(ch.TenantID, r, ch.UserID)...); err != nil {
			return err
		}
	}
	for _, r := range ch.GiveRoles {
		give := s.text(giveUserSQLite, giveUserPostgres)
		n, err := c.Exec(give, roleArgs(ch.TenantID, r, ch.UserID, column.Micros(ch.Now))...)
		if err == nil && n == 0 {
			err = some(c, countRole, roleArgs(ch.TenantID, r)...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	// The page is cut out of what was given alone, which is in the order of an index.
	userHolders = `
		SELECT ` + userColumns + ` FROM users
		WHERE users.tenant_id = $1 AND users.removed_at = 0 AND users.id IN (
			SELECT user_roles.user_id FROM user_roles
			WHERE user_roles.tenant_id = $1 AND user_roles.role_key = ` + keyOfRole + ` AND user_roles.user_id > $5
			ORDER BY user_roles.user_id LIMIT $6)
		ORDER BY users.id`
	// Those to which an earlier release gave the role, while it ran beside this one, are few. By CROSS JOIN, SQLite
	// begins with them, and not with all groups behind the place.
	groupHolders = `
		SELECT ` + groupColumns + ` FROM groups
		WHERE groups.tenant_id = $1 AND groups.id IN (
			SELECT found.group_id FROM (
				SELECT group_roles.group_id FROM group_roles
				WHERE group_roles.tenant_id = $1 AND group_roles.role_key = ` + keyOfRole + `
					AND group_roles.group_id > $5 AND group_roles.group_id <> ''
				ORDER BY group_roles.group_id LIMIT $6) AS found
			UNION ALL
			SELECT unlisted.id FROM group_roles CROSS JOIN groups AS unlisted
			WHERE group_roles.tenant_id = $1 AND group_roles.role_key = ` + keyOfRole + ` AND group_roles.group_id = ''
				AND unlisted.tenant_id = $1 AND unlisted.key = group_roles.group_key AND unlisted.id > $5)
		ORDER BY groups.id LIMIT $6`
	clientHolders = `
		SELECT client_id FROM client_roles
		WHERE tenant_id = $1 AND role_key = ` + keyOfRole + ` AND client_id > $5
		ORDER BY client_id LIMIT $6`
)

// UserHolders implements storage.Roles.
func (s *Store) UserHolders(ctx context.Context, tenant string, r storage.RoleName, after string,
	limit int,
) ([]storage.User, error) {
	all, err := list(ctx, s, userHolders, roleArgs(tenant, r, after, limit), scanUser)
	return all, engine.Named(err, "users with role", r.Name)
}

// GroupHolders implements storage.Roles.
func (s *Store) GroupHolders(ctx context.Context, tenant string, r storage.RoleName, after string,
	limit int,
) ([]storage.Group, error) {
	all, err := list(ctx, s, groupHolders, roleArgs(tenant, r, after, limit), scanGroup)
	return all, engine.Named(err, "groups with role", r.Name)
}

// ClientHolders implements storage.Roles.
func (s *Store) ClientHolders(ctx context.Context, tenant string, r storage.RoleName, after string,
	limit int,
) ([]string, error) {
	all, err := list(ctx, s, clientHolders, roleArgs(tenant, r, after, limit), engine.ScanText)
	return all, engine.Named(err, "clients with role", r.Name)
}

const (
	roleNames   = `SELECT roles.owner_kind, roles.owner, roles.name FROM `
	itsRole     = ` JOIN roles ON roles.tenant_id = given.tenant_id AND roles.key = given.role_key `
	inOrder     = ` ORDER BY roles.owner_kind DESC, roles.owner, roles.name`
	rolesOfUser = roleNames + `user_roles AS given` + itsRole + `
		WHERE given.tenant_id = $1 AND given.user_id = $2` + inOrder
	rolesOfGroup = roleNames + `group_roles AS given` + itsRole + `
		WHERE given.tenant_id = $1 AND given.group_key = (
			SELECT groups.key FROM groups WHERE groups.tenant_id = $1 AND groups.id = $2)` + inOrder
	rolesOfClient = roleNames + `client_roles AS given` + itsRole + `
		WHERE given.tenant_id = $1 AND given.client_id = $2` + inOrder
)

// RolesGiven implements storage.Roles.
func (s *Store) RolesGiven(ctx context.Context, tenant string, to storage.RoleHolder) ([]storage.RoleName, error) {
	query, holder := rolesOfUser, to.User
	switch {
	case to.Group != "":
		query, holder = rolesOfGroup, to.Group
	case to.Client != "":
		query, holder = rolesOfClient, to.Client
	}
	all, err := list(ctx, s, query, []any{tenant, holder}, func(row scanner) (storage.RoleName, error) {
		kind, owner, name := "", "", ""
		err := row.Scan(&kind, &owner, &name)
		return roleName(kind, owner, name), err
	})
	return all, engine.Named(err, "roles of", holder)
}

// ClientRoles implements storage.Belongings.
func (s *Store) ClientRoles(ctx context.Context, tenant, clientID string) ([]storage.RoleName, error) {
	return s.RolesGiven(ctx, tenant, storage.RoleHolder{Client: clientID})
}
