-- +goose NO TRANSACTION
-- +goose Up

-- Each statement may be run again.

DROP INDEX IF EXISTS users_administrators;
CREATE INDEX users_administrators ON users (tenant_id, id) WHERE admin_role <> '';
