-- +goose NO TRANSACTION
-- +goose Up

-- Each statement may be run again: none of them is in a transaction, so that PostgreSQL can
-- build indices beside those who write (see Postgres).

-- How far something has come that goes through a table bit by bit, over days.
CREATE TABLE IF NOT EXISTS marks (
	tenant_id TEXT   NOT NULL,
	name      TEXT   NOT NULL,
	value     TEXT   NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, name)
);

-- What hangs on a client, in an order: it is removed from one end to the other.
DROP INDEX IF EXISTS grants_client_id;
CREATE INDEX grants_client_id ON grants (tenant_id, client_id, id);
DROP INDEX IF EXISTS grants_client;
DROP INDEX IF EXISTS consents_client_user;
CREATE INDEX consents_client_user ON consents (tenant_id, client_id, user_id);
DROP INDEX IF EXISTS consents_client;

-- What was revoked goes before it expires.
DROP INDEX IF EXISTS grants_revoked;
CREATE INDEX grants_revoked ON grants (revoked_at) WHERE revoked_at <> 0;

-- When the time has come of what is kept about those who were removed.
DROP INDEX IF EXISTS removed_users_at;
CREATE INDEX removed_users_at ON removed_users (tenant_id, removed_at);
