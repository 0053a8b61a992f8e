-- +goose Up

-- What user names look like: no two of a tenant are easily taken for each other. '' until the
-- name has been looked at, and for one from earlier that looks like another.
ALTER TABLE users ADD COLUMN username_skeleton TEXT NOT NULL DEFAULT '';
