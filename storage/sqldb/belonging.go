package sqldb

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

// What a user belongs to is two columns beside those of the user: a JSON list of groups, and one of roles. The
// engines have no function in common that makes a list of rows.
const (
	userInGroups = ` FROM memberships
		JOIN groups ON groups.tenant_id = memberships.tenant_id AND groups.key = memberships.group_key
		WHERE memberships.tenant_id = users.tenant_id AND memberships.user_id = users.id`
	userHasRoles = ` FROM roles
		WHERE roles.tenant_id = users.tenant_id AND roles.key IN (
			SELECT user_roles.role_key FROM user_roles
			WHERE user_roles.tenant_id = users.tenant_id AND user_roles.user_id = users.id
			UNION
			SELECT group_roles.role_key FROM memberships
			JOIN group_roles ON group_roles.tenant_id = memberships.tenant_id
				AND group_roles.group_key = memberships.group_key
			WHERE memberships.tenant_id = users.tenant_id AND memberships.user_id = users.id)`
	belongingSQLite = `, (SELECT json_group_array(DISTINCT groups.id)` + userInGroups + `),
		(SELECT json_group_array(json_array(roles.owner_kind, roles.owner, roles.name))` + userHasRoles + `)`
	belongingPostgres = `, (SELECT COALESCE(json_agg(DISTINCT groups.id)::text, '[]')` + userInGroups + `),
		(SELECT COALESCE(json_agg(json_build_array(roles.owner_kind, roles.owner, roles.name))::text, '[]')` +
		userHasRoles + `)`
)

// belongingFields returns where the columns of a Belonging go; nowhere if it is nil.
func belongingFields(b *storage.Belonging) []any {
	if b == nil {
		return nil
	}
	return []any{groupsColumn{&b.Groups}, rolesColumn{&b.Roles}}
}

// groupsColumn is column.List for ids in any order.
type groupsColumn struct{ to *[]string }

// Scan implements sql.Scanner.
func (c groupsColumn) Scan(src any) error {
	err := column.List(c.to).Scan(src)
	slices.Sort(*c.to)
	return err
}

// rolesColumn scans a list of roles in any order.
type rolesColumn struct{ to *[]storage.RoleName }

// Scan implements sql.Scanner.
func (c rolesColumn) Scan(src any) error {
	*c.to = nil
	if src == "[]" {
		return nil
	}
	var rows [][3]string
	if err := (column.JSON(&rows)).Scan(src); err != nil {
		return err
	}
	for _, r := range rows {
		*c.to = append(*c.to, roleName(r[0], r[1], r[2]))
	}
	slices.SortFunc(*c.to, storage.CompareRoles)
	return nil
}

const (
	userBelongingSQLite = `
		SELECT users.id` + belongingSQLite + ` FROM users
		WHERE users.tenant_id = $1 AND users.id = $2 AND users.removed_at = 0`
	userBelongingPostgres = `
		SELECT users.id` + belongingPostgres + ` FROM users
		WHERE users.tenant_id = $1 AND users.id = $2 AND users.removed_at = 0`
)

// Belonging implements storage.Belongings.
func (s *Store) Belonging(ctx context.Context, tenant, userID string) (storage.Belonging, error) {
	b, err := one(ctx, s, s.text(userBelongingSQLite, userBelongingPostgres), []any{tenant, userID},
		func(row scanner) (b storage.Belonging, err error) {
			id := ""
			err = row.Scan(append([]any{&id}, belongingFields(&b)...)...)
			return b, err
		})
	return b, engine.Named(err, "what is given to user", userID)
}

// Values of the column owner_kind.
const (
	ofClient = "client"
	ofAPI    = "api"
)

// ownerOf returns the columns owner_kind and owner of a role.
func ownerOf(r storage.RoleName) (kind, owner string) {
	if r.API != "" {
		return ofAPI, r.API
	}
	return ofClient, r.Client
}

// roleName is the reverse of ownerOf.
func roleName(kind, owner, name string) storage.RoleName {
	if kind == ofAPI {
		return storage.RoleName{API: owner, Name: name}
	}
	return storage.RoleName{Client: owner, Name: name}
}

// roleArgs returns the arguments that name a role: $1 to $4.
func roleArgs(tenant string, r storage.RoleName, more ...any) []any {
	kind, owner := ownerOf(r)
	return append([]any{tenant, kind, owner, r.Name}, more...)
}

// newKey returns a key for a group or a role. It stays with it, and is never used again.
func newKey() string { return uuid.Must(uuid.NewV7()).String() }
