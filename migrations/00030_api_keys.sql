-- +goose Up

-- Keys with which programs call APIs, of a user or of a client. hash is the SHA-256 of the key, and start its first
-- characters. owner_version is the user's credential_version or the client's epoch when the key was made: a key with
-- another one is dead.
CREATE TABLE api_keys (
	tenant_id     TEXT   NOT NULL,
	id            TEXT   NOT NULL,
	hash          BYTEA  NOT NULL,
	start         TEXT   NOT NULL,
	name          TEXT   NOT NULL,
	user_id       TEXT,
	client_id     TEXT,
	owner_version BIGINT NOT NULL,
	scopes        TEXT   NOT NULL,
	replaced_by   TEXT   NOT NULL,
	created_at    BIGINT NOT NULL,
	expires_at    BIGINT NOT NULL,
	used_at       BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, hash),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX api_keys_user ON api_keys (tenant_id, user_id);
CREATE INDEX api_keys_client ON api_keys (tenant_id, client_id);
CREATE INDEX api_keys_expiry ON api_keys (expires_at);
