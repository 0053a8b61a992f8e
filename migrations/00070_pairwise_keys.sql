-- +goose Up

-- The key of each tenant from which pairwise subject identifiers are made, sealed. It is never replaced.
CREATE TABLE pairwise_keys (
	tenant_id  TEXT   NOT NULL PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
	data       BYTEA  NOT NULL,
	created_at BIGINT NOT NULL
);
