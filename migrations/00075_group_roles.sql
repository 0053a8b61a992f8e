-- +goose Up

-- The id of the group, in whose order the groups with a role are listed. It is '' if an earlier release gave the role.
ALTER TABLE group_roles ADD COLUMN group_id TEXT NOT NULL DEFAULT '';
UPDATE group_roles SET group_id = COALESCE((
	SELECT groups.id FROM groups WHERE groups.tenant_id = group_roles.tenant_id AND groups.key = group_roles.group_key), '');
