package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/vouchsafe/vouchsafe/migrations"
)

// current reports whether every step has been applied: then no lock is needed.
func current(ctx context.Context, e Engine) bool {
	var version int64
	err := e.Read(ctx, func(c Conn) error { return c.Row(schemaVersion).Scan(&version) })
	return err == nil && version >= migrations.Latest()
}

// Migrate implements Engine. Of many replicas one works, under a lock of the session; the others wait for up to five
// minutes.
func (p *postgres) Migrate(ctx context.Context) error {
	if current(ctx, p) {
		return nil
	}
	// Try each second, for five minutes.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(p.pool)
	defer db.Close()
	for end := time.Now().Add(lockPatience); ; {
		err := up(ctx, goose.DialectPostgres, db, migrations.Postgres(), goose.WithSessionLocker(locker))
		// A step that could not lock a table let the statements go first that queued behind it.
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != lockNotAvailable || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(lockPause):
		}
	}
}

const (
	// lockPause is how long a step that could not have a table is not tried again.
	lockPause = time.Second
	// lockPatience is how long it is tried: a dump of the database may take its time.
	lockPatience = 5 * time.Minute
)

// Migrate implements Engine. A lock beside the file keeps other processes away; in memory there are none.
func (l *lite) Migrate(ctx context.Context) error {
	if current(ctx, l) {
		return nil
	}
	if l.path == "" {
		l.slots <- struct{}{}
		defer func() { <-l.slots }()
	} else {
		unlock, err := l.lockFile(ctx)
		if err != nil {
			return err
		}
		defer unlock()
	}
	db, err := sql.Open("sqlite", l.source)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return up(ctx, goose.DialectSQLite3, db, migrations.SQLite())
}

// lockFile keeps other processes from migrating the same file. The lock is that of an
// empty database beside it: it needs no cleaning up, whatever happens to the process.
func (l *lite) lockFile(ctx context.Context) (unlock func(), err error) {
	beside := lite{path: l.path + "-migrate"}
	if err := beside.prepareFile(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", fileSource(beside.path)+"&_pragma=busy_timeout(300000)")
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("lock %s: %w", beside.path, Fault(err))
	}
	return func() {
		conn.Close()
		db.Close()
	}, nil
}

// up applies the steps that are missing.
func up(ctx context.Context, dialect goose.Dialect, db *sql.DB, steps fs.FS, options ...goose.ProviderOption) error {
	options = append(options, goose.WithDisableGlobalRegistry(true))
	provider, err := goose.NewProvider(dialect, db, steps, options...)
	if err != nil {
		return Fault(err)
	}
	_, err = provider.Up(ctx)
	return Fault(err)
}
