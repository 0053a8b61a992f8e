-- +goose NO TRANSACTION
-- +goose Up

-- What lists read a page of. Each statement may be run again.

DROP INDEX IF EXISTS group_roles_listed;
CREATE INDEX group_roles_listed ON group_roles (tenant_id, role_key, group_id);
-- The beginning of that one.
DROP INDEX IF EXISTS group_roles_role;

-- Messages that wait and those that were given up, each without the others: there may be many of both.
DROP INDEX IF EXISTS mail_waiting;
CREATE INDEX mail_waiting ON mail (tenant_id, id) WHERE dead_at = 0;
DROP INDEX IF EXISTS mail_given_up;
CREATE INDEX mail_given_up ON mail (tenant_id, id) WHERE dead_at <> 0;
