-- +goose Up

-- The administrator who uses the session as its user, with the session and the role by which they may, and why.
-- '' for the sessions of users themselves.
ALTER TABLE sessions ADD COLUMN actor_id TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN actor_session TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN actor_role TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN act_reason TEXT NOT NULL DEFAULT '';
