-- +goose Up

-- The role of an administrator: owner, admin, support or auditor; '' for other users.
ALTER TABLE users ADD COLUMN admin_role TEXT NOT NULL DEFAULT '';
