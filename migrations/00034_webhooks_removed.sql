-- +goose Up

-- When a webhook was removed whose deliveries are being deleted in parts; 0 for others.
ALTER TABLE webhooks ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0;
