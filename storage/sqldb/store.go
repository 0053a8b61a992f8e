package sqldb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/vouchsafe/vouchsafe/migrations"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Store implements every durable interface of package storage.
type Store struct {
	engine   engine
	meter    *meter
	postgres bool // SQLite otherwise
	closing  func() error
	// atOnce is how many dependent rows are changed in one transaction with what they belong to, and
	// mostPart how many rows are changed at a time otherwise.
	atOnce, mostPart int
}

var _ interface {
	storage.Tenants
	storage.Clients
	storage.Users
	storage.Standings
	storage.Credentials
	storage.Identities
	storage.Sessions
	storage.Consents
	storage.Grants
	storage.SpentValues
	storage.Keys
	storage.Audit
	storage.Outbox
	storage.Codes
	storage.Changes
	storage.Removals
	storage.Histories
	storage.Sealed
	storage.Maintenance
} = (*Store)(nil)

// Open opens the database that the URL names, without looking at its schema:
//
//	postgres://user:password@host:5432/name?sslmode=verify-full
//	sqlite:data/vouchsafe.db   a file, made when it is not there
//	sqlite::memory:            gone when the store is closed; each Open makes its own
//
// A PostgreSQL URL may list several hosts and takes the parameters of libpq and those
// of pgxpool (pool_max_conns and others); behind PgBouncer in transaction mode it needs
// default_query_exec_mode=exec, and migrations a URL that leads past it. PostgreSQL need
// not answer yet.
func Open(ctx context.Context, url string) (*Store, error) {
	m := new(meter)
	var e engine
	var err error
	postgres := false
	switch scheme, rest, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		e, err = openSQLite(ctx, strings.TrimPrefix(rest, "//"), m)
	case "postgres", "postgresql":
		e, err = openPostgres(url, m)
		postgres = true
	default:
		err = errors.New("want sqlite:PATH, sqlite::memory: or postgres://…")
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &Store{engine: e, meter: m, postgres: postgres, closing: sync.OnceValue(e.close), atOnce: atOnce,
		mostPart: mostPart}, nil
}

// The defaults of Store.atOnce and Store.mostPart.
const (
	atOnce   = 200
	mostPart = 2000
)

// Close waits for what is under way and closes the database, once.
func (s *Store) Close() error { return s.closing() }

// Migrate applies the steps that the schema lacks. Many replicas may call it at once:
// one works, the others wait.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.engine.migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Statements is the number of statements run so far. BEGIN, COMMIT and savepoints do
// not count.
func (s *Store) Statements() int64 { return s.meter.count.Load() }

// OnStatement has f called with each statement, before it is run; nil ends that.
func (s *Store) OnStatement(f func(query string)) {
	if f == nil {
		s.meter.onStatement.Store(nil)
		return
	}
	s.meter.onStatement.Store(&f)
}

// Ping implements storage.Maintenance. It writes nothing; WriteFault tells of that. A newer schema is
// welcome: while replicas are
// being replaced, the old ones go on.
func (s *Store) Ping(ctx context.Context) error {
	version, err := s.engine.ping(ctx)
	if err != nil {
		return fmt.Errorf("schema version: %w", err)
	}
	if want := migrations.Latest(); version < want {
		return fmt.Errorf("schema version is %d, want %d: run vouchsafe migrate", version, want)
	}
	return nil
}

// one reads one row.
func one[T any](ctx context.Context, s *Store, query string, args []any,
	scan func(scanner) (T, error),
) (found T, err error) {
	err = s.engine.read(ctx, func(c conn) error {
		found, err = scan(c.row(query, args...))
		return err
	})
	return found, err
}

// list reads many rows.
func list[T any](ctx context.Context, s *Store, query string, args []any, scan func(scanner) (T, error)) ([]T, error) {
	var all []T
	err := s.engine.read(ctx, func(c conn) error {
		all = nil // the read may be a repetition
		return c.each(query, args, func(row scanner) error {
			one, err := scan(row)
			if err == nil {
				all = append(all, one)
			}
			return err
		})
	})
	return all, err
}

// put runs one statement that changes rows, and says how many.
func (s *Store) put(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.engine.write(ctx, func(c conn) error {
		n, err = c.exec(query, args...)
		return err
	})
	return n, err
}

// must is put for statements that touch nothing only when they come too late or look
// for what is not there: missing is then the error.
func (s *Store) must(ctx context.Context, missing error, query string, args ...any) error {
	n, err := s.put(ctx, query, args...)
	if err == nil && n == 0 {
		return missing
	}
	return err
}

// must is the same inside a transaction.
func must(c conn, missing error, query string, args ...any) error {
	n, err := c.exec(query, args...)
	if err == nil && n == 0 {
		return missing
	}
	return err
}

// none answers ErrExists unless the query counts nothing.
func none(c conn, query string, args ...any) error {
	n, err := scanCount(c.row(query, args...))
	if err == nil && n > 0 {
		return storage.ErrExists
	}
	return err
}

// scanCount reads a row of one number.
func scanCount(row scanner) (n int64, err error) {
	err = row.Scan(&n)
	return n, err
}

// WriteFault is why the last write failed, if that was the database's fault and as far as this
// process knows; nil when it succeeded. The next write that succeeds ends it.
func (s *Store) WriteFault() error {
	if err := s.engine.writeFault(); err != nil {
		return fmt.Errorf("last write: %w", err)
	}
	return nil
}

// text returns the text for the store's engine.
func (s *Store) text(sqlite, postgres string) string {
	if s.postgres {
		return postgres
	}
	return sqlite
}
