-- +goose Up

-- The number by which apps of Keratin AuthN know a user. It stays after the user was removed, and is never given again.
CREATE TABLE account_numbers (
	tenant_id  TEXT   NOT NULL,
	number     BIGINT NOT NULL,
	user_id    TEXT   NOT NULL,
	active_on  BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, number)
);
CREATE UNIQUE INDEX account_numbers_user ON account_numbers (tenant_id, user_id);

-- How many numbered users were active in a day, a week or a month.
CREATE TABLE account_actives (
	tenant_id TEXT   NOT NULL,
	period    TEXT   NOT NULL,
	count     BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, period)
);
