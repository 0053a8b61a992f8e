-- +goose Up

-- Messages that wait to be sent. data is sealed: codes must not be read from a dump.
CREATE TABLE mail (
	tenant_id  TEXT   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT   NOT NULL,
	recipient  TEXT   NOT NULL,
	template   TEXT   NOT NULL,
	language   TEXT   NOT NULL,
	data       BYTEA  NOT NULL,
	created_at BIGINT NOT NULL,
	next_at    BIGINT NOT NULL,
	attempts   BIGINT NOT NULL,
	last_error TEXT   NOT NULL,
	dead_at    BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, id)
);
CREATE INDEX mail_due ON mail (next_at) WHERE dead_at = 0;
