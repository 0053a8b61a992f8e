-- +goose Up

-- Clients that are told when a session ends (OpenID Connect Back-Channel Logout 1.0). An earlier release leaves it as it
-- is, and stores no such client.
ALTER TABLE clients ADD COLUMN hears_logouts BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX clients_hearing ON clients (tenant_id, id) WHERE hears_logouts;

-- Clients that took part in a session, of whose grants in it none is left. Only those that hear of logouts.
CREATE TABLE session_clients (
	tenant_id  TEXT NOT NULL,
	session_id TEXT NOT NULL,
	client_id  TEXT NOT NULL,
	PRIMARY KEY (tenant_id, session_id, client_id),
	FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX session_clients_client ON session_clients (tenant_id, client_id);

-- Ends of sessions that clients are, or were, to be told of. done_at is 0 while one waits. ended_at is when the session
-- ended, in whose order each client is told; created_at since when tries count.
CREATE TABLE logouts (
	tenant_id  TEXT    NOT NULL,
	client_id  TEXT    NOT NULL,
	session_id TEXT    NOT NULL,
	user_id    TEXT    NOT NULL,
	ended_at   BIGINT  NOT NULL,
	created_at BIGINT  NOT NULL,
	next_at    BIGINT  NOT NULL,
	attempts   BIGINT  NOT NULL,
	done_at    BIGINT  NOT NULL,
	dead       BOOLEAN NOT NULL,
	status     BIGINT  NOT NULL,
	took       BIGINT  NOT NULL,
	answer     TEXT    NOT NULL,
	PRIMARY KEY (tenant_id, client_id, session_id),
	FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX logouts_waiting ON logouts (tenant_id, client_id, ended_at, session_id) WHERE done_at = 0;
CREATE INDEX logouts_log ON logouts (tenant_id, client_id, ended_at, session_id);
CREATE INDEX logouts_old ON logouts (created_at);
