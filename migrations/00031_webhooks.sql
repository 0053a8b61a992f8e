-- +goose Up

-- Addresses that are told of a tenant's events. data has the secrets, sealed; kinds is JSON.
CREATE TABLE webhooks (
	tenant_id     TEXT    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id            TEXT    NOT NULL,
	url           TEXT    NOT NULL,
	description   TEXT    NOT NULL,
	kinds         TEXT    NOT NULL,
	disabled      BOOLEAN NOT NULL,
	data          BYTEA   NOT NULL,
	created_at    BIGINT  NOT NULL,
	updated_at    BIGINT  NOT NULL,
	failing_since BIGINT  NOT NULL,
	PRIMARY KEY (tenant_id, id)
);

-- Tenants whose events get places in a feed, the last place, and when events were last looked for.
CREATE TABLE feeds (
	tenant_id TEXT   NOT NULL PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
	seq       BIGINT NOT NULL,
	fed_at    BIGINT NOT NULL
);

-- Events in the order in which servers saw them committed. A place is never given to an event that commits later
-- than one behind it was read.
CREATE TABLE feed_events (
	tenant_id TEXT   NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	seq       BIGINT NOT NULL,
	event_id  TEXT   NOT NULL,
	added_at  BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, seq)
);
CREATE UNIQUE INDEX feed_events_event ON feed_events (tenant_id, event_id);
CREATE INDEX feed_events_added ON feed_events (added_at);

-- Events that are, or were, to be sent to a webhook. done_at is 0 while one waits.
CREATE TABLE webhook_deliveries (
	tenant_id  TEXT    NOT NULL,
	webhook    TEXT    NOT NULL,
	seq        BIGINT  NOT NULL,
	event_id   TEXT    NOT NULL,
	kind       TEXT    NOT NULL,
	user_id    TEXT    NOT NULL,
	created_at BIGINT  NOT NULL,
	next_at    BIGINT  NOT NULL,
	attempts   BIGINT  NOT NULL,
	done_at    BIGINT  NOT NULL,
	dead       BOOLEAN NOT NULL,
	status     BIGINT  NOT NULL,
	took       BIGINT  NOT NULL,
	answer     TEXT    NOT NULL,
	PRIMARY KEY (tenant_id, webhook, seq),
	FOREIGN KEY (tenant_id, webhook) REFERENCES webhooks (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (tenant_id, webhook, next_at) WHERE done_at = 0;
CREATE INDEX webhook_deliveries_user ON webhook_deliveries (tenant_id, webhook, user_id, seq) WHERE done_at = 0;
CREATE INDEX webhook_deliveries_done ON webhook_deliveries (done_at) WHERE done_at <> 0;
