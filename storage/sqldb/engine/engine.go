package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Scanner is a row: *sql.Rows and pgx.Rows have this in common.
type Scanner interface {
	Scan(dest ...any) error
}

// Conn runs the statements of one call. Its errors are those of package storage.
type Conn interface {
	// Exec runs a statement and returns how many rows it touched.
	Exec(query string, args ...any) (int64, error)
	// Row returns the row of a query for one; its Scan returns storage.ErrNotFound if there is none.
	Row(query string, args ...any) Scanner
	// Each runs a query and calls scan for every row.
	Each(query string, args []any, scan func(Scanner) error) error
	// RowsAtOnce returns how many rows a statement should insert at most.
	RowsAtOnce() int
}

// only is a query whose one row is awaited. It is read to the end: SQLite finishes a
// statement with RETURNING only then, and PostgreSQL reports a failure there.
type only struct {
	conn  Conn
	query string
	args  []any
}

// Scan runs the query.
func (o only) Scan(dest ...any) error {
	found := false
	err := o.conn.Each(o.query, o.args, func(row Scanner) error {
		found = true
		return row.Scan(dest...)
	})
	if err == nil && !found {
		return storage.ErrNotFound
	}
	return err
}

// Engine is a database. Where the callback is run again after a failure, it was
// certain that nothing had happened.
type Engine interface {
	// Read runs queries that change nothing.
	Read(ctx context.Context, run func(Conn) error) error
	// Write runs one statement: on its own it is a transaction.
	Write(ctx context.Context, run func(Conn) error) error
	// Transact runs statements that happen together, or not at all if run returns an error.
	Transact(ctx context.Context, run func(Conn) error) error
	// Ping returns the version of the schema, and finds out whether the database takes writes as far
	// as reading shows that.
	Ping(ctx context.Context) (version int64, err error)
	// WriteFault returns why the last write failed, if that was the engine's fault.
	WriteFault() error
	// Migrate applies the steps that are missing.
	Migrate(ctx context.Context) error
	// Close waits for what is under way and closes the database.
	Close() error
}

// Meter counts the statements that an engine runs.
type Meter struct {
	count       atomic.Int64
	onStatement atomic.Pointer[func(query string)]
}

// Statements returns how many statements were run. BEGIN, COMMIT and savepoints do not count.
func (m *Meter) Statements() int64 { return m.count.Load() }

// OnStatement has f called with each statement, before it is run; nil ends that.
func (m *Meter) OnStatement(f func(query string)) {
	if f == nil {
		m.onStatement.Store(nil)
		return
	}
	m.onStatement.Store(&f)
}

// note counts a statement that is about to run.
func (m *Meter) note(query string) {
	m.count.Add(1)
	if f := m.onStatement.Load(); f != nil {
		(*f)(query)
	}
}

// bind makes arguments that both engines take alike. PostgreSQL refuses text that is
// not UTF-8 or holds NUL, and such text comes in with header fields and form values:
// it must match nothing, and not break the statement.
func bind(args []any) []any {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			if !utf8.ValidString(v) || strings.IndexByte(v, 0) >= 0 {
				v = strings.ToValidUTF8(v, string(utf8.RuneError))
				args[i] = strings.ReplaceAll(v, "\x00", string(utf8.RuneError))
			}
		case []byte:
			if v == nil {
				args[i] = []byte{} // no column is NULL
			}
		}
	}
	return args
}

// lastWrite is what became of the last write, as far as the engine is to blame: its disk may
// be full or read-only, or its server a standby now, while reading goes on.
type lastWrite struct {
	fault atomic.Pointer[error]
}

// note takes down how a write of the caller ended. That many queue, or that the caller went
// away, says nothing of the engine.
func (w *lastWrite) note(caller context.Context, err error) {
	switch {
	case err == nil:
		if w.fault.Load() != nil { // a store at each write would have the processors wait for each other
			w.fault.Store(nil)
		}
	case errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, errQueued) && caller.Err() == nil:
		w.fault.Store(&err)
	}
}

// err is why it failed, or nil.
func (w *lastWrite) err() error {
	if fault := w.fault.Load(); fault != nil {
		return *fault
	}
	return nil
}

// errQueued says that others were before, and that nothing was done.
var errQueued = errors.New("wait for the writer")

const schemaVersion = `SELECT MAX(version_id) FROM goose_db_version`
