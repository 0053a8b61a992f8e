package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// One reads one row.
func One[T any](ctx context.Context, e Engine, query string, args []any,
	scan func(Scanner) (T, error),
) (found T, err error) {
	err = e.Read(ctx, func(c Conn) error {
		found, err = scan(c.Row(query, args...))
		return err
	})
	return found, err
}

// All reads many rows.
func All[T any](ctx context.Context, e Engine, query string, args []any, scan func(Scanner) (T, error)) ([]T, error) {
	var all []T
	err := e.Read(ctx, func(c Conn) error {
		all = nil // the read may be a repetition
		return c.Each(query, args, func(row Scanner) error {
			one, err := scan(row)
			if err == nil {
				all = append(all, one)
			}
			return err
		})
	})
	return all, err
}

// Put runs one statement that changes rows, and returns how many.
func Put(ctx context.Context, e Engine, query string, args ...any) (n int64, err error) {
	err = e.Write(ctx, func(c Conn) error {
		n, err = c.Exec(query, args...)
		return err
	})
	return n, err
}

// MustPut is Put for statements that touch nothing only when they come too late or look
// for what is not there: missing is then the error.
func MustPut(ctx context.Context, e Engine, missing error, query string, args ...any) error {
	n, err := Put(ctx, e, query, args...)
	if err == nil && n == 0 {
		return missing
	}
	return err
}

// Must is MustPut inside a transaction.
func Must(c Conn, missing error, query string, args ...any) error {
	n, err := c.Exec(query, args...)
	if err == nil && n == 0 {
		return missing
	}
	return err
}

// None returns ErrExists unless the query counts no row.
func None(c Conn, query string, args ...any) error {
	n, err := ScanCount(c.Row(query, args...))
	if err == nil && n > 0 {
		return storage.ErrExists
	}
	return err
}

// ScanCount reads a row of one number.
func ScanCount(row Scanner) (n int64, err error) {
	err = row.Scan(&n)
	return n, err
}

// ScanText reads a row of one text.
func ScanText(row Scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

// InsertAll inserts rows, which have the same number of values.
func InsertAll(c Conn, into string, rows [][]any) error {
	for some := range slices.Chunk(rows, c.RowsAtOnce()) {
		var query strings.Builder
		query.WriteString(into)
		args := make([]any, 0, len(some)*len(some[0]))
		for i, row := range some {
			if i > 0 {
				query.WriteByte(',')
			}
			query.WriteString(Placeholders(len(args), len(row)))
			args = append(args, row...)
		}
		if _, err := c.Exec(query.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// Placeholders returns ($4, $5) for n of two values behind three.
func Placeholders(behind, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",$")
		b.WriteString(strconv.Itoa(behind + i + 1))
	}
	return "(" + b.String()[1:] + ")"
}

// Named returns err with what failed, and of which record; nil if err is nil.
func Named(err error, what, id string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %w", what, id, err)
}

// Wrapped is Named without the value, for what a user typed: it may be a password in the wrong field.
func Wrapped(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
