package sqldb

import (
	"context"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const codeColumns = `tenant_id, id, purpose, target, user_id, code_hash, link_hash, data, tries, created_at, expires_at`

// The column purpose holds who asked, too: "sign-up/ASKER". A column of its own would need
// another unique key, which the version before could not work with; and that version must
// not take a code for one of its own.
func scanCode(row scanner) (c storage.Code, err error) {
	purpose := ""
	err = row.Scan(&c.TenantID, &c.ID, &purpose, &c.Target, &c.UserID, column.Bytes(&c.CodeHash),
		column.Bytes(&c.LinkHash), column.Bytes(&c.Data), &c.Tries, column.Time(&c.CreatedAt), column.Time(&c.ExpiresAt))
	c.Purpose, c.Asker, _ = strings.Cut(purpose, "/")
	return c, err
}

// putCode replaces the code for the same purpose, target and asker: the one before is void.
const putCode = `
	INSERT INTO codes (` + codeColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
	ON CONFLICT (tenant_id, purpose, target) DO UPDATE SET
		id = excluded.id, user_id = excluded.user_id, code_hash = excluded.code_hash, link_hash = excluded.link_hash,
		data = excluded.data, tries = excluded.tries, created_at = excluded.created_at, expires_at = excluded.expires_at`

// setCode stores a code, which replaces the one for the same purpose, target and asker.
func setCode(c conn, code storage.Code) error {
	purpose := code.Purpose
	if code.Asker != "" {
		purpose += "/" + code.Asker
	}
	_, err := c.Exec(putCode, code.TenantID, code.ID, purpose, code.Target, code.UserID, code.CodeHash, code.LinkHash,
		code.Data, code.Tries, column.Micros(code.CreatedAt), column.Micros(code.ExpiresAt))
	return err
}

// codeByID leaves out codes that have expired, or were issued while a clock was ahead.
const codeByID = `
	SELECT ` + codeColumns + ` FROM codes
	WHERE tenant_id = $1 AND id = $2 AND expires_at > $3 AND created_at` + notAhead

// Code implements storage.Codes.
func (s *Store) Code(ctx context.Context, tenant, id string, now time.Time) (storage.Code, error) {
	code, err := one(ctx, s, codeByID, []any{tenant, id, column.Micros(now)}, scanCode)
	return code, engine.Wrapped(err, "code")
}

// tryCode counts the try in the statement that reads the code. Guesses that arrive at the same time cannot exceed $4.
const tryCode = `
	UPDATE codes SET tries = tries + 1
	WHERE tenant_id = $1 AND id = $2 AND expires_at > $3 AND created_at` + notAhead + ` AND tries < $4
	RETURNING ` + codeColumns

// TryCode implements storage.Codes.
func (s *Store) TryCode(ctx context.Context, tenant, id string, most int64,
	now time.Time,
) (code storage.Code, err error) {
	err = s.engine.Write(ctx, func(c conn) error {
		code, err = scanCode(c.Row(tryCode, tenant, id, column.Micros(now), most))
		return err
	})
	return code, engine.Wrapped(err, "try code")
}

const (
	codeFor = `
		SELECT ` + codeColumns + ` FROM codes
		WHERE tenant_id = $1 AND purpose = $2 AND expires_at > $3 AND created_at` + notAhead + ` AND target = $4`
	codesFor = `
		SELECT ` + codeColumns + ` FROM codes
		WHERE tenant_id = $1 AND purpose = $2 AND expires_at > $3 AND created_at` + notAhead + ` AND target > $4
		ORDER BY target LIMIT $5`
)

// CodeFor implements storage.Codes.
func (s *Store) CodeFor(ctx context.Context, tenant, purpose, target string, now time.Time) (storage.Code, error) {
	code, err := one(ctx, s, codeFor, []any{tenant, purpose, column.Micros(now), target}, scanCode)
	return code, engine.Wrapped(err, "code for target")
}

// CodesFor implements storage.Codes.
func (s *Store) CodesFor(
	ctx context.Context, tenant, purpose, after string, limit int, now time.Time,
) ([]storage.Code, error) {
	all, err := list(ctx, s, codesFor, []any{tenant, purpose, column.Micros(now), after, limit}, scanCode)
	return all, engine.Named(err, "codes for", purpose)
}

// spend inserts nothing if the value is spent already: the number of rows says which of two callers was first.
const spend = `
	INSERT INTO spent_values (tenant_id, purpose, hash, expires_at)
	VALUES ($1, $2, $3, $4)
	ON CONFLICT DO NOTHING`

// Spend implements storage.SpentValues.
func (s *Store) Spend(ctx context.Context, v storage.Spent) error {
	err := s.must(ctx, storage.ErrExists, spend, v.TenantID, v.Purpose, column.Hash(v.Value), column.Micros(v.ExpiresAt))
	return engine.Named(err, "spend", v.Purpose)
}

const isSpent = `
	SELECT COUNT(*) FROM spent_values
	WHERE tenant_id = $1 AND purpose = $2 AND hash = $3`

// IsSpent implements storage.SpentValues.
func (s *Store) IsSpent(ctx context.Context, tenant, purpose, value string) (bool, error) {
	n, err := one(ctx, s, isSpent, []any{tenant, purpose, column.Hash(value)}, engine.ScanCount)
	return n > 0, engine.Named(err, "is spent", purpose)
}

// notAhead is when a time counts: see storage.ClockSkew, in microseconds here.
const notAhead = ` - 120000000 <= $3`
