-- +goose Up

-- By which beginnings a user's names are found: see package storage/terms.
CREATE TABLE search_terms (
	tenant_id TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	term      TEXT NOT NULL,
	PRIMARY KEY (tenant_id, user_id, term),
	FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX search_terms_term ON search_terms (tenant_id, term, user_id);

-- The profile of which the user's search terms were made. Another one was stored by a release that knows none.
ALTER TABLE users ADD COLUMN searched TEXT NOT NULL DEFAULT '{}';
