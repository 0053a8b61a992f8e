package numbers

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

// Numbers implements storage.AccountNumbers.
type Numbers struct{ Engine engine.Engine }

const columns = `tenant_id, number, user_id, active_on, created_at`

// scan reads a row of columns.
func scan(row engine.Scanner) (n storage.AccountNumber, err error) {
	err = row.Scan(&n.TenantID, &n.Number, &n.UserID, &n.ActiveOn, column.Time(&n.CreatedAt))
	return n, err
}

const (
	numberOf = `SELECT ` + columns + ` FROM account_numbers WHERE tenant_id = $1 AND user_id = $2`
	numbered = `SELECT ` + columns + ` FROM account_numbers WHERE tenant_id = $1 AND number = $2`
	// giveNext fails with ErrExists if another request gives the same number, or numbers the same user, at this moment.
	giveNext = `
		INSERT INTO account_numbers (` + columns + `)
		SELECT CAST($1 AS TEXT), COALESCE(MAX(number), 0) + 1, CAST($2 AS TEXT), 0, CAST($3 AS BIGINT)
		FROM account_numbers WHERE tenant_id = $1`
	keepNumber = `INSERT INTO account_numbers (` + columns + `) VALUES ($1, $2, $3, $4, $5)`
	keepAll    = `INSERT INTO account_numbers (` + columns + `) VALUES `
	// A number that is reserved has a row, so that the next one is greater.
	reserve = `
		INSERT INTO account_numbers (` + columns + `) VALUES ($1, $2, $3, 0, $4)
		ON CONFLICT DO NOTHING`
	release = `DELETE FROM account_numbers WHERE tenant_id = $1 AND user_id IN `
)

// mostTries bounds how often NumberOf tries again after other requests have taken the next number.
const mostTries = 50

// NumberOf implements storage.AccountNumbers.
func (s *Numbers) NumberOf(
	ctx context.Context, tenant, userID string, now time.Time,
) (n storage.AccountNumber, err error) {
	for range mostTries {
		n, err = engine.One(ctx, s.Engine, numberOf, []any{tenant, userID}, scan)
		if !errors.Is(err, storage.ErrNotFound) {
			break
		}
		_, err = engine.Put(ctx, s.Engine, giveNext, tenant, userID, column.Micros(now))
		if err != nil && !errors.Is(err, storage.ErrExists) {
			break
		}
	}
	return n, engine.Named(err, "number of", userID)
}

// Numbered implements storage.AccountNumbers.
func (s *Numbers) Numbered(ctx context.Context, tenant string, number int64) (storage.AccountNumber, error) {
	n, err := engine.One(ctx, s.Engine, numbered, []any{tenant, number}, scan)
	return n, engine.Named(err, "account", strconv.FormatInt(number, 10))
}

// KeepNumber implements storage.AccountNumbers.
func (s *Numbers) KeepNumber(ctx context.Context, n storage.AccountNumber) error {
	_, err := engine.Put(ctx, s.Engine, keepNumber, n.TenantID, n.Number, n.UserID, n.ActiveOn, column.Micros(n.CreatedAt))
	return engine.Named(err, "keep number of", n.UserID)
}

// ReserveNumber implements storage.AccountNumbers.
func (s *Numbers) ReserveNumber(ctx context.Context, tenant string, number int64, now time.Time) error {
	_, err := engine.Put(ctx, s.Engine, reserve, tenant, number, storage.ReservedNumber(number), column.Micros(now))
	return engine.Named(err, "reserve number", strconv.FormatInt(number, 10))
}

// Keep stores numbers, also those that are reserved, in the transaction of a change.
func Keep(c engine.Conn, tenant string, all []storage.AccountNumber) error {
	var rows [][]any
	for some := range slices.Chunk(all, mostAtOnce) {
		reserved := []any{tenant}
		for _, n := range some {
			rows = append(rows, []any{tenant, n.Number, n.UserID, n.ActiveOn, column.Micros(n.CreatedAt)})
			reserved = append(reserved, storage.ReservedNumber(n.Number))
		}
		if _, err := c.Exec(release+engine.Placeholders(1, len(some)), reserved...); err != nil {
			return err
		}
	}
	return engine.InsertAll(c, keepAll, rows)
}

// mostAtOnce is how many numbers one statement names.
const mostAtOnce = 256

const setActive = `
	UPDATE account_numbers SET active_on = $4
	WHERE tenant_id = $1 AND number = $2 AND active_on = $3 AND active_on < $4`

// SetActive implements storage.AccountNumbers.
func (s *Numbers) SetActive(ctx context.Context, n storage.AccountNumber, day int64, e storage.Event) error {
	err := s.Engine.Transact(ctx, func(c engine.Conn) error {
		if err := engine.Must(c, storage.ErrStale, setActive, n.TenantID, n.Number, n.ActiveOn, day); err != nil {
			return err
		}
		return trail.RecordAll(c, []storage.Event{e})
	})
	return engine.Named(err, "set active", n.UserID)
}

// Of a tenant that is removed.
const (
	EdgeOfNumbers = `
		SELECT user_id FROM account_numbers WHERE tenant_id = $1 AND user_id > $2
		ORDER BY user_id LIMIT 1 OFFSET $3`
	RemoveNumbers = `DELETE FROM account_numbers WHERE tenant_id = $1 AND user_id > $2 AND user_id <= $3`
	// RemoveActives deletes what replicas of the release before count.
	RemoveActives = `DELETE FROM account_actives WHERE tenant_id = $1`
)
