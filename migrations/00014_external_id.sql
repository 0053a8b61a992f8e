-- +goose Up

-- The id that a user had in the product from which an import brought them. '' for none.
ALTER TABLE users ADD COLUMN external_id TEXT NOT NULL DEFAULT '';
