-- +goose Up

-- A tenant's rules and looks, as JSON.
ALTER TABLE tenants ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- What was sent to an address, to come back from whoever reads what is sent there.
CREATE TABLE codes (
	tenant_id  TEXT   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT   NOT NULL,
	purpose    TEXT   NOT NULL,
	target     TEXT   NOT NULL,
	user_id    TEXT   NOT NULL,
	code_hash  BYTEA  NOT NULL,
	link_hash  BYTEA  NOT NULL,
	data       BYTEA  NOT NULL,
	tries      BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, purpose, target)
);
CREATE INDEX codes_user ON codes (tenant_id, user_id) WHERE user_id <> '';
CREATE INDEX codes_expired ON codes (expires_at);

CREATE INDEX audit_user ON audit (tenant_id, user_id, id) WHERE user_id <> '';
