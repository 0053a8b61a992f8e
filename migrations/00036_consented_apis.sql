-- +goose Up

-- The APIs that the client asked for by the parameter resource, as a JSON list of their identifiers.
ALTER TABLE consents ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';
