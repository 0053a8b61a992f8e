package sqldb

import (
	"context"
	"fmt"
	"sync"

	"github.com/vouchsafe/vouchsafe/migrations"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/apps"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/keys"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/numbers"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/outbox"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/uploads"
)

// What every file of this package works with.
type (
	conn    = engine.Conn
	scanner = engine.Scanner
)

// Store implements every durable interface of package storage.
type Store struct {
	*trail.Trail
	*outbox.Outbox
	*keys.Ring
	*numbers.Numbers
	*apps.Apps
	*uploads.Uploads
	engine   engine.Engine
	worker   *parts.Worker
	meter    *engine.Meter
	postgres bool // SQLite otherwise
	closing  func() error
	// atOnce is how many dependent rows are changed in one transaction with what they belong to. Others are changed
	// in parts, by worker.
	atOnce int
}

var _ interface {
	storage.Tenants
	storage.Clients
	storage.Users
	storage.Groups
	storage.Roles
	storage.Belongings
	storage.Standings
	storage.Credentials
	storage.Identities
	storage.Sessions
	storage.Consents
	storage.Grants
	storage.APIKeys
	storage.SpentValues
	storage.Answers
	storage.Statistics
	storage.AccountNumbers
	storage.TenantLogins
	storage.AppLogins
	storage.Imports
	storage.Keys
	storage.PairwiseKeys
	storage.Audit
	storage.Outbox
	storage.Webhooks
	storage.Logouts
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
	m := new(engine.Meter)
	e, postgres, err := engine.Open(ctx, url, m)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	worker := &parts.Worker{Engine: e, Most: mostPart}
	return &Store{
		Trail:  &trail.Trail{Engine: e, Worker: worker, Postgres: postgres},
		Outbox: &outbox.Outbox{Engine: e}, Ring: &keys.Ring{Engine: e}, Numbers: &numbers.Numbers{Engine: e},
		Apps: &apps.Apps{Engine: e, Postgres: postgres}, Uploads: &uploads.Uploads{Engine: e},
		engine: e, worker: worker, meter: m, postgres: postgres, closing: sync.OnceValue(e.Close), atOnce: atOnce,
	}, nil
}

// The defaults of Store.atOnce and parts.Worker.Most.
const (
	atOnce   = 200
	mostPart = 2000
)

// Close waits for what is under way and closes the database, once.
func (s *Store) Close() error { return s.closing() }

// Migrate applies the steps that the schema lacks. Many replicas may call it at once:
// one works, the others wait.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.engine.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Statements returns how many statements were run so far. BEGIN, COMMIT and savepoints do
// not count.
func (s *Store) Statements() int64 { return s.meter.Statements() }

// OnStatement has f called with each statement, before it is run; nil ends that.
func (s *Store) OnStatement(f func(query string)) { s.meter.OnStatement(f) }

// Ping implements storage.Maintenance. It writes nothing; WriteFault tells of that. A newer schema is
// welcome: while replicas are
// being replaced, the old ones go on.
func (s *Store) Ping(ctx context.Context) error {
	version, err := s.engine.Ping(ctx)
	if err != nil {
		return fmt.Errorf("schema version: %w", err)
	}
	if want := migrations.Latest(); version < want {
		return fmt.Errorf("schema version is %d, want %d: run vouchsafe migrate", version, want)
	}
	return nil
}

// The size of a database is what its files need.
const (
	describeSQLite = `
	SELECT sqlite_version(), (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size())`
	describePostgres = `SELECT current_setting('server_version'), pg_database_size(current_database())`
)

// Describe returns which product the database is, its version, and how many bytes it needs.
func (s *Store) Describe(ctx context.Context) (product, version string, bytes int64, err error) {
	product = s.text("SQLite", "PostgreSQL")
	err = s.engine.Read(ctx, func(c conn) error {
		return c.Row(s.text(describeSQLite, describePostgres)).Scan(&version, &bytes)
	})
	if err != nil {
		err = fmt.Errorf("describe database: %w", err)
	}
	return product, version, bytes, err
}

// one reads one row.
func one[T any](ctx context.Context, s *Store, query string, args []any, scan func(scanner) (T, error)) (T, error) {
	return engine.One(ctx, s.engine, query, args, scan)
}

// list reads many rows.
func list[T any](ctx context.Context, s *Store, query string, args []any, scan func(scanner) (T, error)) ([]T, error) {
	return engine.All(ctx, s.engine, query, args, scan)
}

// put runs one statement that changes rows, and returns how many.
func (s *Store) put(ctx context.Context, query string, args ...any) (int64, error) {
	return engine.Put(ctx, s.engine, query, args...)
}

// must is put for statements that touch nothing only when they come too late or look
// for what is not there: missing is then the error.
func (s *Store) must(ctx context.Context, missing error, query string, args ...any) error {
	return engine.MustPut(ctx, s.engine, missing, query, args...)
}

// WriteFault is why the last write failed, if that was the database's fault and as far as this
// process knows; nil when it succeeded. The next write that succeeds ends it.
func (s *Store) WriteFault() error {
	if err := s.engine.WriteFault(); err != nil {
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
