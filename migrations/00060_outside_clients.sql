-- +goose Up

-- Where a client comes from that no administrator added: document if its id is the URL of its metadata, registration if
-- it has registered itself, or '' for all other clients. outside holds what else is known of such a client, as JSON.
ALTER TABLE clients ADD COLUMN origin TEXT NOT NULL DEFAULT '';
-- What an administrator has said of such a client: allowed, denied or ''.
ALTER TABLE clients ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN outside TEXT NOT NULL DEFAULT '';
-- Those that are deleted unless users allow them.
CREATE INDEX clients_outside ON clients (created_at) WHERE origin <> '' AND verdict = '';
