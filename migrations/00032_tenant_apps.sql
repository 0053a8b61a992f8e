-- +goose Up

-- What the app of a tenant signs in with: password is a hash. An address has one login in the installation.
CREATE TABLE tenant_logins (
	tenant_id  TEXT   NOT NULL PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
	email      TEXT   NOT NULL,
	email_key  TEXT   NOT NULL UNIQUE,
	password   BYTEA  NOT NULL,
	created_at BIGINT NOT NULL
);

-- Sign-ins of apps. data is the key that signs the token of each, sealed.
CREATE TABLE tenant_sessions (
	tenant_id  TEXT   NOT NULL REFERENCES tenant_logins (tenant_id) ON DELETE CASCADE,
	id         TEXT   NOT NULL,
	data       BYTEA  NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, id)
);

-- What such apps store of users. login is '' for a user whose login is the username or the address; scope is JSON, or
-- '' for none.
CREATE TABLE app_logins (
	tenant_id TEXT   NOT NULL,
	user_id   TEXT   NOT NULL,
	login     TEXT   NOT NULL,
	subject   TEXT   NOT NULL,
	scope     TEXT   NOT NULL,
	active_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, user_id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX app_logins_login ON app_logins (tenant_id, login) WHERE login <> '';
