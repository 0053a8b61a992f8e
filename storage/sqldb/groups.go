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

const groupColumns = `groups.tenant_id, groups.id, groups.title, groups.created_at, groups.updated_at`

// scanGroup reads a row of groupColumns.
func scanGroup(row scanner) (g storage.Group, err error) {
	err = row.Scan(&g.TenantID, &g.ID, &g.Title, column.Time(&g.CreatedAt), column.Time(&g.UpdatedAt))
	return g, err
}

const addGroup = `
	INSERT INTO groups (tenant_id, id, key, title, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6)`

// AddGroup implements storage.Groups.
func (s *Store) AddGroup(ctx context.Context, g storage.Group, events ...storage.Event) error {
	return engine.Named(trail.Transact(ctx, s.engine, events, func(c conn) error {
		_, err := c.Exec(addGroup, g.TenantID, g.ID, newKey(), g.Title, column.Micros(g.CreatedAt),
			column.Micros(g.UpdatedAt))
		return err
	}), "add group", g.ID)
}

const updateGroup = `
	UPDATE groups SET title = $3, updated_at = $4
	WHERE tenant_id = $1 AND id = $2 AND (updated_at = $5 OR $5 = 0)`

// UpdateGroup implements storage.Groups.
func (s *Store) UpdateGroup(ctx context.Context, g storage.Group, was time.Time, events ...storage.Event) error {
	return engine.Named(trail.Transact(ctx, s.engine, events, func(c conn) error {
		err := engine.Must(c, storage.ErrStale, updateGroup, g.TenantID, g.ID, g.Title, column.Micros(g.UpdatedAt),
			column.Micros(was))
		return staleOr(err, c, countGroup, g.TenantID, g.ID)
	}), "update group", g.ID)
}

const (
	groupByID = `SELECT ` + groupColumns + ` FROM groups WHERE groups.tenant_id = $1 AND groups.id = $2`
	// Foreign keys would take along all memberships in one statement: there are none.
	removeGroup = `DELETE FROM groups WHERE tenant_id = $1 AND id = $2 AND (updated_at = $3 OR $3 = 0) RETURNING key`
	// So many at a time, $3.
	removeSomeMembers = `
		DELETE FROM memberships WHERE tenant_id = $1 AND (tenant_id, user_id, group_key, upstream) IN (
			SELECT tenant_id, user_id, group_key, upstream FROM memberships
			WHERE tenant_id = $1 AND group_key = $2 LIMIT $3)`
	removeRolesOfGroup = `DELETE FROM group_roles WHERE tenant_id = $1 AND group_key = $2`
)

// RemoveGroup implements storage.Groups.
func (s *Store) RemoveGroup(ctx context.Context, g storage.Group, now time.Time, events ...storage.Event) error {
	var left []storage.Removal
	err := trail.Transact(ctx, s.engine, events, func(c conn) error {
		left = nil // it may be a repetition
		key, err := engine.ScanText(c.Row(removeGroup, g.TenantID, g.ID, column.Micros(g.UpdatedAt)))
		if errors.Is(err, storage.ErrNotFound) {
			return staleOr(storage.ErrStale, c, countGroup, g.TenantID, g.ID)
		}
		if err != nil {
			return err
		}
		if _, err := c.Exec(removeRolesOfGroup, g.TenantID, key); err != nil {
			return err
		}
		left, err = s.removeSome(c, removeSomeMembers, storage.Removal{
			TenantID: g.TenantID, Kind: storage.RemovalGroup, ID: key, Since: now,
		})
		return err
	})
	return engine.Named(s.finish(ctx, err, left), "remove group", g.ID)
}

// Group implements storage.Groups.
func (s *Store) Group(ctx context.Context, tenant, id string) (storage.Group, error) {
	g, err := one(ctx, s, groupByID, []any{tenant, id}, scanGroup)
	return g, engine.Named(err, "group", id)
}

const listGroups = `
	SELECT ` + groupColumns + ` FROM groups
	WHERE groups.tenant_id = $1 AND groups.id > $2
	ORDER BY groups.id LIMIT $3`

// Groups implements storage.Groups.
func (s *Store) Groups(ctx context.Context, tenant, after string, limit int) ([]storage.Group, error) {
	all, err := list(ctx, s, listGroups, []any{tenant, after, limit}, scanGroup)
	return all, engine.Named(err, "groups after", after)
}

// The page is cut out of the memberships alone, which are in the order of an index.
const members = `
	SELECT ` + userColumns + ` FROM users
	WHERE users.tenant_id = $1 AND users.removed_at = 0 AND users.id IN (
		SELECT DISTINCT memberships.user_id FROM memberships
		WHERE memberships.tenant_id = $1 AND memberships.user_id > $3 AND memberships.group_key = (
			SELECT groups.key FROM groups WHERE groups.tenant_id = $1 AND groups.id = $2)
		ORDER BY memberships.user_id LIMIT $4)
	ORDER BY users.id`

// Members implements storage.Groups.
func (s *Store) Members(ctx context.Context, tenant, id, after string, limit int) ([]storage.User, error) {
	all, err := list(ctx, s, members, []any{tenant, id, after, limit}, scanUser)
	return all, engine.Named(err, "members of group", id)
}

const membershipsOf = `
	SELECT groups.id, memberships.upstream, memberships.created_at FROM memberships
	JOIN groups ON groups.tenant_id = memberships.tenant_id AND groups.key = memberships.group_key
	WHERE memberships.tenant_id = $1 AND memberships.user_id = $2
	ORDER BY groups.id, memberships.upstream`

// MembershipsOf implements storage.Groups.
func (s *Store) MembershipsOf(ctx context.Context, tenant, userID string) ([]storage.Membership, error) {
	all, err := list(ctx, s, membershipsOf, []any{tenant, userID}, func(row scanner) (m storage.Membership, err error) {
		err = row.Scan(&m.GroupID, &m.Upstream, column.Time(&m.Since))
		return m, err
	})
	return all, engine.Named(err, "memberships of user", userID)
}

const (
	joinGroup = `
		INSERT INTO memberships (tenant_id, user_id, group_key, upstream, created_at)
		SELECT groups.tenant_id, $3, groups.key, $4, $5 FROM groups
		WHERE groups.tenant_id = $1 AND groups.id = $2`
	// The group is locked: its removal waits, and then deletes this membership, too.
	joinGroupSQLite   = joinGroup + ` ON CONFLICT DO NOTHING`
	joinGroupPostgres = joinGroup + ` FOR KEY SHARE ON CONFLICT DO NOTHING`
	countGroup        = `SELECT COUNT(*) FROM groups WHERE tenant_id = $1 AND id = $2`
	leaveGroup        = `
		DELETE FROM memberships
		WHERE tenant_id = $1 AND user_id = $2 AND upstream = $4 AND group_key = (
			SELECT groups.key FROM groups WHERE groups.tenant_id = $1 AND groups.id = $3)`
	// leaveUnlinked ends the memberships from providers at which the user has no identity any more.
	leaveUnlinked = `
		DELETE FROM memberships
		WHERE tenant_id = $1 AND user_id = $2 AND upstream <> '' AND upstream NOT IN (
			SELECT identities.provider FROM identities WHERE identities.tenant_id = $1 AND identities.user_id = $2)`
	leaveGroupAltogether = `
		DELETE FROM memberships
		WHERE tenant_id = $1 AND user_id = $2 AND group_key = (
			SELECT groups.key FROM groups WHERE groups.tenant_id = $1 AND groups.id = $3)`
)

// applyMemberships has the user leave and join groups.
func (s *Store) applyMemberships(c conn, ch *storage.Change) error {
	for _, m := range ch.Leave {
		query, args := leaveGroup, []any{ch.TenantID, ch.UserID, m.GroupID, m.Upstream}
		if m.Upstream == storage.AllIDs {
			query, args = leaveGroupAltogether, args[:3]
		}
		if _, err := c.Exec(query, args...); err != nil {
			return err
		}
	}
	for _, m := range ch.Join {
		n, err := c.Exec(s.text(joinGroupSQLite, joinGroupPostgres), ch.TenantID, m.GroupID, ch.UserID, m.Upstream,
			column.Micros(ch.Now))
		if err == nil && n == 0 {
			err = some(c, countGroup, ch.TenantID, m.GroupID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// staleOr returns the error; of one that is ErrStale, ErrNotFound if the query counts nothing.
func staleOr(err error, c conn, query string, args ...any) error {
	if errors.Is(err, storage.ErrStale) {
		if missing := some(c, query, args...); missing != nil {
			return missing
		}
	}
	return err
}

// some answers ErrNotFound if the query counts nothing.
func some(c conn, query string, args ...any) error {
	n, err := engine.ScanCount(c.Row(query, args...))
	if err == nil && n == 0 {
		return storage.ErrNotFound
	}
	return err
}
