-- +goose NO TRANSACTION
-- +goose Up

-- Whose search terms are to be made anew. Each statement may be run again.

DROP INDEX IF EXISTS users_unsearched;
CREATE INDEX users_unsearched ON users (tenant_id, id) WHERE searched <> profile;
