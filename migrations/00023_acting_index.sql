-- +goose NO TRANSACTION
-- +goose Up

-- Each statement may be run again.

DROP INDEX IF EXISTS sessions_acting;
CREATE INDEX sessions_acting ON sessions (id) WHERE actor_id <> '';
