package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

const fillBatch = 20_000

// filling are the rows numbered from $1 to $2, made by the database itself. %s is what
// gives the numbers as n.
var filling = []string{
	`INSERT INTO users (tenant_id, id, username, username_key, email, email_key, email_verified, phone, phone_verified,
		profile, roles, disabled, credential_version, created_at, updated_at)
	SELECT 'default', 'fill-' || n, '', '', 'fill' || n || '@example.com', 'fill' || n || '@example.com', TRUE, '', FALSE,
		'{}', '[]', FALSE, 1, $3, $3 FROM %s`,
	`INSERT INTO grants (tenant_id, id, code_id, user_id, client_id, session_id, offline, credential_version, scopes, audience,
		claims, auth_time, amr, acr, generation, rotated_at, idle_expires_at, expires_at, created_at, revoked_at, revoked_why)
	SELECT 'default', 'fill-' || n, 'fill-' || n, 'fill-' || n, 'web', '', TRUE, 1, '["openid"]', '[]',
		'', $3, '["pwd"]', '', 1, $3, $3 + 86400000000, $3 + 86400000000, $3, 0, '' FROM %s`,
}

// fill puts people and grants into the database, which nobody else uses yet.
func (s *server) fill(ctx context.Context, count int) error {
	exec, done, err := s.filler(ctx)
	if err != nil {
		return err
	}
	defer done()
	now := time.Now().UnixMicro()
	for from := 1; from <= count; from += fillBatch {
		to := min(from+fillBatch-1, count)
		for _, query := range filling {
			if err := exec(query, from, to, now); err != nil {
				return fmt.Errorf("fill: %w", err)
			}
		}
		progress("filling: %d of %d (%d %%)", to, count, to*100/count)
	}
	progress("")
	return exec("", 0, 0, 0)
}

// filler runs the texts on the server's database; the empty one gathers its statistics.
func (s *server) filler(ctx context.Context) (exec func(query string, from, to int, now int64) error, done func(), err error) {
	if s.database != "" {
		c, err := pgx.Connect(ctx, s.database)
		if err != nil {
			return nil, nil, err
		}
		// The client and tables come with the first start.
		return func(query string, from, to int, now int64) error {
			if query == "" {
				// What autovacuum and the checkpointer would do in the first minutes is not measured.
				_, err := c.Exec(ctx, "VACUUM (ANALYZE)")
				if err == nil {
					_, err = c.Exec(ctx, "CHECKPOINT")
				}
				return err
			}
			_, err := c.Exec(ctx, fmt.Sprintf(query, "generate_series($1::bigint, $2::bigint) AS n"), from, to, now)
			return err
		}, func() { _ = c.Close(ctx) }, nil
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "data", "vouchsafe.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	if err != nil {
		return nil, nil, err
	}
	return func(query string, from, to int, now int64) error {
		if query == "" {
			_, err := db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
			return err
		}
		_, err := db.ExecContext(ctx, fmt.Sprintf(query, "(WITH RECURSIVE c(n) AS (SELECT $1 UNION ALL SELECT n + 1 FROM c WHERE n < $2) SELECT n FROM c)"), from, to, now)
		return err
	}, func() { _ = db.Close() }, nil
}
