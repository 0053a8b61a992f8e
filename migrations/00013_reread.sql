-- +goose NO TRANSACTION
-- +goose Up

-- Each statement may be run again.

DROP INDEX IF EXISTS users_skeleton;
CREATE UNIQUE INDEX users_skeleton ON users (tenant_id, username_skeleton) WHERE username_skeleton <> '';

-- Those whom a release that read names differently may have stored: they are looked at anew.
DROP INDEX IF EXISTS users_no_skeleton;
CREATE INDEX users_no_skeleton ON users (tenant_id, id) WHERE username_key <> '' AND username_skeleton = '';
DROP INDEX IF EXISTS users_beyond_ascii;
CREATE INDEX users_beyond_ascii ON users (tenant_id, id) WHERE octet_length(email) <> length(email);
