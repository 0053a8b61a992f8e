-- +goose Up

-- Files of users that administrators gave to a server, and what became of them. data is JSON. lease_ends is until when
-- the process named in runner works at it.
CREATE TABLE imports (
	tenant_id  TEXT   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT   NOT NULL,
	state      TEXT   NOT NULL,
	runner     TEXT   NOT NULL,
	lease_ends BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	data       BYTEA  NOT NULL,
	PRIMARY KEY (tenant_id, id)
);
CREATE INDEX imports_open ON imports (lease_ends) WHERE state IN ('checking', 'adding');
CREATE INDEX imports_expired ON imports (expires_at);

-- The file of an import, sealed, until it is done.
CREATE TABLE import_parts (
	tenant_id TEXT   NOT NULL,
	import_id TEXT   NOT NULL,
	n         BIGINT NOT NULL,
	data      BYTEA  NOT NULL,
	PRIMARY KEY (tenant_id, import_id, n),
	FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id) ON DELETE CASCADE
);

-- Rows of the file, or parts of rows, that were not imported. data is JSON.
CREATE TABLE import_lines (
	tenant_id TEXT   NOT NULL,
	import_id TEXT   NOT NULL,
	n         BIGINT NOT NULL,
	data      BYTEA  NOT NULL,
	PRIMARY KEY (tenant_id, import_id, n),
	FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id) ON DELETE CASCADE
);
