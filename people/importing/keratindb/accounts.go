package keratindb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people/importing/exports"
)

// Summary says what a database has.
type Summary struct {
	Accounts, Last int64 // how many accounts there are, and the greatest id
	Apps           int64 // accounts with an authenticator app
}

// Summary counts the accounts. Databases of older releases have no column for authenticator apps.
func (s *Source) Summary(ctx context.Context) (sum Summary, err error) {
	columns, err := s.columns(ctx)
	if err != nil {
		return sum, err
	}
	apps := "0"
	if slices.Contains(columns, "totp_secret") {
		apps = "COUNT(NULLIF(totp_secret, ''))"
	}
	err = s.db.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(MAX(id), 0), "+apps+" FROM accounts").
		Scan(&sum.Accounts, &sum.Last, &sum.Apps)
	return sum, err
}

// columns returns the names of the columns of accounts, if it is the table of AuthN.
func (s *Source) columns(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT * FROM accounts WHERE id < 0")
	if err != nil {
		return nil, fmt.Errorf("the table accounts of Keratin AuthN cannot be read: %w", err)
	}
	columns, err := rows.Columns()
	if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, name := range []string{"username", "password", "locked", "require_new_password", "deleted_at"} {
		if !slices.Contains(columns, name) {
			return nil, fmt.Errorf("the table accounts has no column %s: it is none of Keratin AuthN", name)
		}
	}
	return columns, nil
}

// pageSize is how many accounts are read at once.
const pageSize = 500

// Accounts returns all accounts by id, with what oauth_accounts has of each. read is told of each account before it
// comes.
func (s *Source) Accounts(ctx context.Context, read func()) iter.Seq[exports.Record] {
	return func(yield func(exports.Record) bool) {
		after := int64(0)
		for {
			page, err := s.page(ctx, after)
			if err != nil {
				yield(exports.Record{Line: int(after), Err: err})
				return
			}
			for _, r := range page {
				if read(); !yield(r) {
					return
				}
				after = int64(r.Line)
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

// page returns the accounts behind an id.
func (s *Source) page(ctx context.Context, after int64) ([]exports.Record, error) {
	var page []exports.Record
	at := map[int64]int{}
	query := fmt.Sprintf("SELECT * FROM accounts WHERE id > %d ORDER BY id LIMIT %d", after, pageSize)
	err := s.each(ctx, query, "id", func(id int64, row json.RawMessage) {
		at[id] = len(page)
		page = append(page, exports.Record{Line: int(id), User: row})
	})
	if err != nil || len(page) == 0 {
		return nil, err
	}
	query = fmt.Sprintf("SELECT * FROM oauth_accounts WHERE account_id > %d AND account_id <= %d ORDER BY id",
		after, page[len(page)-1].Line)
	err = s.each(ctx, query, "account_id", func(id int64, row json.RawMessage) {
		if i, ok := at[id]; ok {
			page[i].Further = append(page[i].Further, row)
		}
	})
	return page, err
}

// unwanted are columns that are not read: what they have opens the accounts of users at other providers.
var unwanted = []string{"access_token"}

// each calls do with the rows of a query as JSON objects, and with the number in one of their columns.
func (s *Source) each(ctx context.Context, query, number string, do func(int64, json.RawMessage)) error {
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	id, values, to := int64(0), make([]any, len(columns)), make([]any, len(columns))
	for i, name := range columns {
		if to[i] = &values[i]; name == number {
			to[i] = &id
		}
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		row := map[string]any{number: id}
		for i, name := range columns {
			if name != number && values[i] != nil && !slices.Contains(unwanted, name) {
				row[name] = plain(values[i])
			}
		}
		object, err := json.Marshal(row)
		if err != nil {
			return err
		}
		do(id, object)
	}
	return rows.Err()
}

// plain returns a value of a driver as JSON has it.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return v
}
