-- +goose Up

-- What every table keeps to: the tenant is the first column of the key; times are
-- microseconds since 1970, 0 for "not yet" or "never"; lists and objects are JSON in
-- TEXT that the database does not look into; no column is NULL.

CREATE TABLE tenants (
	id         TEXT    NOT NULL PRIMARY KEY,
	name       TEXT    NOT NULL,
	host       TEXT    NOT NULL,
	logo_uri   TEXT    NOT NULL,
	disabled   BOOLEAN NOT NULL,
	created_at BIGINT  NOT NULL
);
CREATE UNIQUE INDEX tenants_host ON tenants (host) WHERE host <> '';

-- An issuer's address is never given to another tenant.
CREATE TABLE removed_tenants (
	id         TEXT   NOT NULL PRIMARY KEY,
	host       TEXT   NOT NULL,
	removed_at BIGINT NOT NULL
);
CREATE INDEX removed_tenants_host ON removed_tenants (host) WHERE host <> '';

CREATE TABLE clients (
	tenant_id     TEXT    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id            TEXT    NOT NULL,
	metadata      TEXT    NOT NULL,
	secret_hashes TEXT    NOT NULL,
	disabled      BOOLEAN NOT NULL,
	declared      BOOLEAN NOT NULL,
	created_at    BIGINT  NOT NULL,
	updated_at    BIGINT  NOT NULL,
	PRIMARY KEY (tenant_id, id)
);

-- The origins in the clients' metadata, to be found without reading every client.
CREATE TABLE client_origins (
	tenant_id TEXT NOT NULL,
	origin    TEXT NOT NULL,
	client_id TEXT NOT NULL,
	PRIMARY KEY (tenant_id, origin, client_id),
	FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX client_origins_client ON client_origins (tenant_id, client_id);

CREATE TABLE users (
	tenant_id          TEXT    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id                 TEXT    NOT NULL,
	username           TEXT    NOT NULL,
	username_key       TEXT    NOT NULL,
	email              TEXT    NOT NULL,
	email_key          TEXT    NOT NULL,
	email_verified     BOOLEAN NOT NULL,
	phone              TEXT    NOT NULL,
	phone_verified     BOOLEAN NOT NULL,
	profile            TEXT    NOT NULL,
	roles              TEXT    NOT NULL,
	disabled           BOOLEAN NOT NULL,
	credential_version BIGINT  NOT NULL,
	created_at         BIGINT  NOT NULL,
	updated_at         BIGINT  NOT NULL,
	PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX users_username ON users (tenant_id, username_key) WHERE username_key <> '';
CREATE UNIQUE INDEX users_email ON users (tenant_id, email_key) WHERE email_key <> '';

-- A subject is never given to another person (OpenID Connect Core 2).
CREATE TABLE removed_users (
	tenant_id  TEXT   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT   NOT NULL,
	removed_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, id)
);

CREATE TABLE credentials (
	tenant_id  TEXT   NOT NULL,
	user_id    TEXT   NOT NULL,
	kind       TEXT   NOT NULL,
	id         TEXT   NOT NULL,
	data       BYTEA  NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, user_id, kind, id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE identities (
	tenant_id  TEXT   NOT NULL,
	provider   TEXT   NOT NULL,
	subject    TEXT   NOT NULL,
	user_id    TEXT   NOT NULL,
	email      TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, provider, subject),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX identities_user ON identities (tenant_id, user_id);

CREATE TABLE sessions (
	tenant_id          TEXT   NOT NULL,
	id                 TEXT   NOT NULL,
	secret_hash        BYTEA  NOT NULL,
	user_id            TEXT   NOT NULL,
	credential_version BIGINT NOT NULL,
	auth_time          BIGINT NOT NULL,
	amr                TEXT   NOT NULL,
	acr                TEXT   NOT NULL,
	user_agent         TEXT   NOT NULL,
	ip                 TEXT   NOT NULL,
	created_at         BIGINT NOT NULL,
	seen_at            BIGINT NOT NULL,
	expires_at         BIGINT NOT NULL,
	ended_at           BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id, id);
CREATE INDEX sessions_expired ON sessions (expires_at);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at <> 0;

CREATE TABLE consents (
	tenant_id  TEXT   NOT NULL,
	user_id    TEXT   NOT NULL,
	client_id  TEXT   NOT NULL,
	scopes     TEXT   NOT NULL,
	claims     TEXT   NOT NULL,
	granted_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, user_id, client_id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX consents_client ON consents (tenant_id, client_id);

-- The foreign keys see to it that a code redeemed while its person or client is being
-- removed leaves nothing behind that a client of the same name would revive.
CREATE TABLE grants (
	tenant_id          TEXT    NOT NULL,
	id                 TEXT    NOT NULL,
	code_id            TEXT    NOT NULL,
	user_id            TEXT    NOT NULL,
	client_id          TEXT    NOT NULL,
	session_id         TEXT    NOT NULL,
	offline            BOOLEAN NOT NULL,
	credential_version BIGINT  NOT NULL,
	scopes             TEXT    NOT NULL,
	audience           TEXT    NOT NULL,
	claims             BYTEA   NOT NULL,
	auth_time          BIGINT  NOT NULL,
	amr                TEXT    NOT NULL,
	acr                TEXT    NOT NULL,
	generation         BIGINT  NOT NULL,
	rotated_at         BIGINT  NOT NULL,
	idle_expires_at    BIGINT  NOT NULL,
	expires_at         BIGINT  NOT NULL,
	created_at         BIGINT  NOT NULL,
	revoked_at         BIGINT  NOT NULL,
	revoked_why        TEXT    NOT NULL,
	PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX grants_code ON grants (tenant_id, code_id) WHERE code_id <> '';
CREATE INDEX grants_user ON grants (tenant_id, user_id, id);
CREATE INDEX grants_client ON grants (tenant_id, client_id);
CREATE INDEX grants_session ON grants (tenant_id, session_id) WHERE session_id <> '';
CREATE INDEX grants_expired ON grants (expires_at);

-- hash is the SHA-256 of the value: others choose its length.
CREATE TABLE spent_values (
	tenant_id  TEXT   NOT NULL,
	purpose    TEXT   NOT NULL,
	hash       BYTEA  NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, purpose, hash)
);
CREATE INDEX spent_values_expired ON spent_values (expires_at);

CREATE TABLE keys (
	tenant_id  TEXT   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT   NOT NULL,
	algorithm  TEXT   NOT NULL,
	sequence   BIGINT NOT NULL,
	public     BYTEA  NOT NULL,
	private    BYTEA  NOT NULL,
	active_at  BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, algorithm, sequence)
);
CREATE INDEX keys_expired ON keys (expires_at) WHERE expires_at <> 0;

CREATE TABLE audit (
	tenant_id  TEXT   NOT NULL,
	id         TEXT   NOT NULL,
	at         BIGINT NOT NULL,
	kind       TEXT   NOT NULL,
	actor      TEXT   NOT NULL,
	user_id    TEXT   NOT NULL,
	client_id  TEXT   NOT NULL,
	request_id TEXT   NOT NULL,
	ip         TEXT   NOT NULL,
	detail     TEXT   NOT NULL,
	PRIMARY KEY (tenant_id, id)
);

INSERT INTO tenants (id, name, host, logo_uri, disabled, created_at)
VALUES ('default', 'Vouchsafe', '', '', FALSE, 0);
