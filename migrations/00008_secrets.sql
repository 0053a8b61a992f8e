-- +goose Up

-- The master secrets on which stored values hang, by fingerprints that tell nothing of
-- them. sealed_at is when a process last said that it seals with it.
CREATE TABLE master_secrets (
	fingerprint TEXT   NOT NULL PRIMARY KEY,
	sealed_at   BIGINT NOT NULL
);

-- Since when an account waits for its owner, who said that a change to it was not theirs.
ALTER TABLE users ADD COLUMN secured_at BIGINT NOT NULL DEFAULT 0;
