package engine

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/vouchsafe/vouchsafe/storage"
)

// SQLSTATEs of PostgreSQL.
const (
	foreignKeyViolation  = "23503"
	uniqueViolation      = "23505"
	readOnlyTransaction  = "25006"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	cannotConnectNow     = "57P03"
	idleSessionTimeout   = "57P05"
	connectionException  = "08" // a class
)

// coded is an error of SQLite: liteError, or one of its driver, which migrations use.
type coded interface {
	error
	Code() int
}

// Fault returns the error of package storage for an engine's error. A record that refers to one that does not
// exist is refused by a foreign key: ErrNotFound.
func Fault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows): // pgx.ErrNoRows is one
		return storage.ErrNotFound
	case errors.Is(err, storage.ErrUnavailable):
		return err
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case uniqueViolation:
			return storage.ErrExists
		case foreignKeyViolation:
			return storage.ErrNotFound
		}
	}
	if lite, ok := errors.AsType[coded](err); ok {
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return storage.ErrExists
		case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return storage.ErrNotFound
		}
	}
	return fmt.Errorf("%w: %w", storage.ErrUnavailable, connectFault(err))
}

// connectFault returns err with what kept a connection from being made told once, and what the
// server answered before all else. pgx tells of each try: of one with TLS to a server that
// has none first, and of every address twice.
func connectFault(err error) error {
	refused, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok {
		return err
	}
	tries, ok := errors.Unwrap(refused).(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var answered, others, plain []string
	for _, try := range tries.Unwrap() {
		text := try.Error()
		switch _, said := errors.AsType[*pgconn.PgError](try); {
		case slices.Contains(slices.Concat(answered, others, plain), text):
		case said:
			answered = append(answered, text)
		case strings.HasSuffix(text, "server refused TLS connection"):
			plain = append(plain, text)
		default:
			others = append(others, text)
		}
	}
	causes := slices.Concat(answered, others)
	if len(causes) == 0 {
		causes = plain
	}
	told := fmt.Sprintf("connect as %s to %s: %s", refused.Config.User, refused.Config.Database,
		strings.Join(causes, "; "))
	return retold{err, strings.Replace(err.Error(), refused.Error(), told, 1)}
}

// retold is an error in other words.
type retold struct {
	error
	text string
}

// Error implements error.
func (r retold) Error() string { return r.text }

// Unwrap returns the error in its own words, for errors.As.
func (r retold) Unwrap() error { return r.error }
