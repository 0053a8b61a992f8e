-- +goose Up

-- How many sign-ins there were, by day and way (kind and how), how many users were active on a day ('active'), and how
-- many of them were not active on a later one ('latest'): of the events that were counted so far.
CREATE TABLE day_counts (
	tenant_id TEXT   NOT NULL,
	day       BIGINT NOT NULL,
	kind      TEXT   NOT NULL,
	how       TEXT   NOT NULL,
	count     BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, day, kind, how)
);

-- The day on which each user was active last, of the events that were counted so far.
CREATE TABLE last_days (
	tenant_id TEXT   NOT NULL,
	user_id   TEXT   NOT NULL,
	day       BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, user_id)
);
