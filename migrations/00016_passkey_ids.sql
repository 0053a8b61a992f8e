-- +goose NO TRANSACTION
-- +goose Up

-- Finds a passkey that another product made: its user handle is not one of ours. Each statement may be run again.

DROP INDEX IF EXISTS credentials_passkey;
CREATE INDEX credentials_passkey ON credentials (tenant_id, id, user_id) WHERE kind = 'passkey';
