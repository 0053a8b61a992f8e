-- +goose Up

-- Whom a phone number means. A number may have come to somebody else since: no key.
CREATE INDEX users_phone ON users (tenant_id, phone) WHERE phone_verified AND phone <> '';

-- What expires is swept while it waits; what was given up has its own time.
DROP INDEX mail_expires;
CREATE INDEX mail_expires ON mail (expires_at) WHERE expires_at <> 0 AND dead_at = 0;
