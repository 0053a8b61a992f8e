-- +goose NO TRANSACTION
-- +goose Up

-- Each statement may be run again.

DROP INDEX IF EXISTS users_external_id;
CREATE UNIQUE INDEX users_external_id ON users (tenant_id, external_id) WHERE external_id <> '';
