-- +goose Up

-- Groups of users, and roles at a client or an API. key names each for ever: what is made anew under the
-- name of a removed one begins without members or holders.
CREATE TABLE groups (
	tenant_id  TEXT   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT   NOT NULL,
	key        TEXT   NOT NULL,
	title      TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, id),
	UNIQUE (tenant_id, key)
);

-- upstream is the provider that gave the membership, '' if an administrator did. A user may have a
-- membership from several of them.
CREATE TABLE memberships (
	tenant_id  TEXT   NOT NULL,
	user_id    TEXT   NOT NULL,
	group_key  TEXT   NOT NULL,
	upstream   TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, user_id, group_key, upstream),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX memberships_group ON memberships (tenant_id, group_key, user_id);

-- owner_kind is 'client' or 'api', and owner the id of the client or the identifier of the API.
CREATE TABLE roles (
	tenant_id  TEXT   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	owner_kind TEXT   NOT NULL,
	owner      TEXT   NOT NULL,
	name       TEXT   NOT NULL,
	key        TEXT   NOT NULL,
	title      TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, owner_kind, owner, name),
	UNIQUE (tenant_id, key)
);

CREATE TABLE user_roles (
	tenant_id  TEXT   NOT NULL,
	user_id    TEXT   NOT NULL,
	role_key   TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, user_id, role_key),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_roles_role ON user_roles (tenant_id, role_key, user_id);

CREATE TABLE group_roles (
	tenant_id  TEXT   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	group_key  TEXT   NOT NULL,
	role_key   TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, group_key, role_key)
);
CREATE INDEX group_roles_role ON group_roles (tenant_id, role_key);

CREATE TABLE client_roles (
	tenant_id  TEXT   NOT NULL,
	client_id  TEXT   NOT NULL,
	role_key   TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, client_id, role_key),
	FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX client_roles_role ON client_roles (tenant_id, role_key, client_id);

-- The values of attributes that no two users of a tenant may have.
CREATE TABLE unique_values (
	tenant_id TEXT NOT NULL,
	name      TEXT NOT NULL,
	value     TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	PRIMARY KEY (tenant_id, name, value),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX unique_values_user ON unique_values (tenant_id, user_id);

-- When a user signed in and was active last, as far as the sessions and grants that said so are deleted.
CREATE TABLE last_uses (
	tenant_id    TEXT   NOT NULL,
	user_id      TEXT   NOT NULL,
	signed_in_at BIGINT NOT NULL,
	active_at    BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, user_id),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);

-- What the tenant's operator wants to know of a user, as JSON.
ALTER TABLE users ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
-- From when a password has to be changed; 0 for never.
ALTER TABLE credentials ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
-- When a refresh token that does not rotate was used last.
ALTER TABLE grants ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
-- It rises by each update.
ALTER TABLE tenants ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
