-- +goose Up

-- Messages go by mail or to a phone, and are of no use once what they carry has expired.
ALTER TABLE mail ADD COLUMN channel TEXT NOT NULL DEFAULT 'mail';
ALTER TABLE mail ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX mail_expires ON mail (expires_at) WHERE expires_at <> 0;
CREATE INDEX mail_dead ON mail (dead_at) WHERE dead_at <> 0;
