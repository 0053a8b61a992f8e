-- +goose Up

-- What is too large to go in one transaction: the record itself stopped working when its row
-- was written here, and any replica goes on with what hangs on it. bound is the last id that
-- is meant; why is the reason of grants that are revoked; until lease one process works on it.
CREATE TABLE removals (
	tenant_id TEXT   NOT NULL,
	kind      TEXT   NOT NULL,
	id        TEXT   NOT NULL,
	bound     TEXT   NOT NULL,
	why       TEXT   NOT NULL,
	since     BIGINT NOT NULL,
	lease     BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, kind, id)
);
CREATE INDEX removals_due ON removals (lease);

-- A row with a date here is as good as gone. It is disabled, too, for binaries that do not
-- know the column.
ALTER TABLE tenants ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0;

-- A client that is removed and declared again is in another epoch: what was given to it
-- before counts no more, whether it is gone already or not.
ALTER TABLE clients ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN client_epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE consents ADD COLUMN client_epoch BIGINT NOT NULL DEFAULT 0;
