-- +goose Up

-- The answers to requests with an Idempotency-Key, which must not be carried out twice. status is 0 while the request
-- is being carried out.
CREATE TABLE answers (
	tenant_id  TEXT   NOT NULL,
	hash       BYTEA  NOT NULL,
	request    BYTEA  NOT NULL,
	status     BIGINT NOT NULL,
	location   TEXT   NOT NULL,
	body       BYTEA  NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX answers_expired ON answers (expires_at);
