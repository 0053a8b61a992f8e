package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// connectTimeout bounds how long a new connection may take, unless the URL says more.
	// Where it names several servers, it is for all of them: that one of them is silent must
	// leave a call the time to reach another.
	connectTimeout      = 3 * time.Second
	leastConnectTimeout = time.Second
	// answerTimeout bounds a call, its wait for a connection included. One whose server
	// fell silent is noticed by it, and service is to be back soon after.
	answerTimeout = 4 * time.Second
	// chosenTimeout is longer than any request may take: a deadline so far away was set for
	// the call, and holds in the place of answerTimeout.
	chosenTimeout = time.Minute
	// A connection that rested for so long is asked whether its server is still there, and
	// has pingTimeout to say so.
	restedAfter = time.Second
	pingTimeout = time.Second
)

// postgres is PostgreSQL.
type postgres struct {
	pool  *pgxpool.Pool
	meter *Meter
	reset atomic.Int64 // when the idle connections were last dropped, in ns
	last  lastWrite
}

// openPostgres makes a pool of connections to the servers that the URL names, without connecting.
func openPostgres(url string, m *Meter) (*postgres, error) {
	config, err := parsePostgres(url)
	if err != nil {
		return nil, err
	}
	p := &postgres{meter: m}
	config.ShouldPing = p.gone
	if p.pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		return nil, err
	}
	return p, nil
}

// gone asks a connection that rested whether it is still there: what lies between may have
// forgotten it without a word. One that is not is closed by the question; that it is then
// to be pinged has the pool find out, and take another.
func (p *postgres) gone(ctx context.Context, c pgxpool.ShouldPingParams) bool {
	if c.IdleDuration < restedAfter {
		return false
	}
	began := time.Now()
	// A caller that hangs up says nothing about the connection.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
	defer cancel()
	err := c.Conn.Ping(ctx)
	p.lost(err, began)
	return err != nil
}

// read runs queries, and repeats them once if the connection broke: they change nothing.
func (p *postgres) Read(caller context.Context, run func(Conn) error) error {
	ctx, cancel := bounded(caller)
	defer cancel()
	began := time.Now()
	err := p.on(caller, ctx, run)
	if lost := p.lost(err, began); (lost || repeatable(err)) && rest(ctx, err) {
		err = p.on(caller, ctx, run)
	}
	return err
}

// write runs one statement, and repeats it once if it surely left no trace.
func (p *postgres) Write(caller context.Context, run func(Conn) error) error {
	ctx, cancel := bounded(caller)
	defer cancel()
	began := time.Now()
	err := p.on(caller, ctx, run)
	p.lost(err, began)
	if repeatable(err) && rest(ctx, err) {
		err = p.on(caller, ctx, run)
	}
	p.last.note(caller, err)
	return err
}

// pingPostgres asks in the same breath whether the server takes writes: a primary that
// became a standby, or was made read-only, goes on answering.
const pingPostgres = `
	SELECT (` + schemaVersion + `), current_setting('transaction_read_only') = 'on'`

var errReadOnly = errors.New("the server takes no writes: it is a standby, or read-only")

// Ping implements Engine. It reads, and learns in the same answer whether the server takes writes.
func (p *postgres) Ping(ctx context.Context) (version int64, err error) {
	readOnly := false
	err = p.Read(ctx, func(c Conn) error { return c.Row(pingPostgres).Scan(&version, &readOnly) })
	if err == nil && readOnly {
		p.last.note(ctx, Fault(errReadOnly))
	}
	return version, err
}

// WriteFault implements Engine.
func (p *postgres) WriteFault() error { return p.last.err() }

// on runs with a connection of its own.
func (p *postgres) on(caller, ctx context.Context, run func(Conn) error) error {
	c, err := p.acquire(caller, ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return run(pgConn{ctx, c, p.meter})
}

// acquire waits for a connection. If the caller has gone meanwhile, others are waiting.
func (p *postgres) acquire(caller, ctx context.Context) (*pgxpool.Conn, error) {
	c, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, Fault(err)
	}
	if err := caller.Err(); err != nil {
		c.Release()
		return nil, Fault(err)
	}
	return c, nil
}

// transact runs a transaction, and repeats it once if it surely left no trace.
func (p *postgres) Transact(caller context.Context, run func(Conn) error) error {
	ctx, cancel := bounded(caller)
	defer cancel()
	again, err := p.once(caller, ctx, run)
	if again && rest(ctx, err) {
		_, err = p.once(caller, ctx, run)
	}
	p.last.note(caller, err)
	return err
}

// once runs one transaction. again says that it has failed without a trace, and may
// succeed when it is repeated.
func (p *postgres) once(caller, ctx context.Context, run func(Conn) error) (again bool, err error) {
	began := time.Now()
	c, err := p.acquire(caller, ctx)
	if err != nil {
		return p.lost(err, began) || repeatable(err), err
	}
	defer c.Release()
	tx, err := c.Begin(ctx)
	if err != nil {
		return p.lost(err, began) || repeatable(err), Fault(err)
	}
	// After a commit this does nothing.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := run(pgConn{ctx, tx, p.meter}); err != nil {
		return p.lost(err, began) || repeatable(err), err
	}
	if err := tx.Commit(ctx); err != nil {
		p.lost(err, began)
		// A connection that broke now may have taken the commit along.
		return repeatable(err), Fault(err)
	}
	return false, nil
}

// Close implements Engine.
func (p *postgres) Close() error {
	p.pool.Close()
	return nil
}

// bounded returns a context that ends the call in time: a server that does not answer must not hold
// its callers, nor the connections that other calls wait for. Nothing else ends a call that has begun:
// pgx closes a connection whose statement is cancelled, so that an attacker who hangs up at once could
// make the server open new ones all the time.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if ok && time.Until(end) > chosenTimeout || ctx.Err() != nil {
		return ctx, func() {}
	}
	if latest := time.Now().Add(answerTimeout); !ok || latest.Before(end) {
		end = latest
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}

// repeatable reports whether the statement surely left no trace: it was never sent, or the
// server chose the transaction to fail so that others could go on, or its process was
// told to go. A process does so between statements or by aborting one, and then says
// FATAL; one that dies in a crash says WARNING, and may have committed.
func repeatable(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case serializationFailure, deadlockDetected, cannotConnectNow, readOnlyTransaction:
			return true
		case adminShutdown, idleSessionTimeout:
			return pg.SeverityUnlocalized == "FATAL"
		}
		return false
	}
	_, unconnected := errors.AsType[*pgconn.ConnectError](err)
	// Of a connection that broke under a statement without arguments, such as a commit, pgx
	// says that it had been closed before, and that nothing was sent: the error that it met
	// first it forgets (MultiResultReader.NextResult, v5.12.0).
	return unconnected || pgconn.SafeToRetry(err) && !errors.Is(err, pgconn.ErrConnClosed)
}

// rest waits for the transactions in whose favour this one was aborted: repeated at once, it could
// be in their way again. It reports whether there is time left to repeat it.
func rest(ctx context.Context, err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok &&
		(pg.Code == serializationFailure || pg.Code == deadlockDetected) {
		select {
		case <-time.After(20*time.Millisecond + rand.N(80*time.Millisecond)):
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// lost reports whether the connection broke. The idle ones are then likely as dead, such
// as after a restart of the server: they are dropped, unless that was done since the
// call began.
func (p *postgres) lost(err error, began time.Time) bool {
	if !broken(err) {
		return false
	}
	last := p.reset.Load()
	if last < began.UnixNano() && p.reset.CompareAndSwap(last, time.Now().UnixNano()) {
		p.pool.Reset()
	}
	return true
}

// broken reports whether an error means that the connection, and probably the server, is gone.
func broken(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case adminShutdown, crashShutdown, cannotConnectNow, idleSessionTimeout:
			return true
		case readOnlyTransaction: // to a server that was the primary until a failover
			return true
		}
		return strings.HasPrefix(pg.Code, connectionException)
	}
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return false
	case pgconn.Timeout(err) && !pgconn.SafeToRetry(err): // it was asked, and said nothing
		return true
	case errors.Is(err, context.DeadlineExceeded): // such as while waiting for a connection
		return false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, pgconn.ErrConnClosed):
		return true
	}
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

// querier is what a connection and a transaction have in common.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// pgConn is a connection or a transaction, for one call.
type pgConn struct {
	ctx   context.Context // of the call, bounded
	on    querier
	meter *Meter
}

// Exec implements Conn.
func (c pgConn) Exec(query string, args ...any) (int64, error) {
	c.meter.note(query)
	tag, err := c.on.Exec(c.ctx, query, bind(args)...)
	return tag.RowsAffected(), Fault(err)
}

// RowsAtOnce implements Conn. Each statement is a trip to the server.
func (c pgConn) RowsAtOnce() int { return 256 }

// Row implements Conn.
func (c pgConn) Row(query string, args ...any) Scanner { return only{c, query, args} }

// Each implements Conn.
func (c pgConn) Each(query string, args []any, scan func(Scanner) error) error {
	c.meter.note(query)
	rows, err := c.on.Query(c.ctx, query, bind(args)...)
	if err != nil {
		return Fault(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return Fault(err)
		}
	}
	return Fault(rows.Err())
}

// parsePostgres reads the URL of a database. What is wrong with it is told without the
// password.
func parsePostgres(url string) (*pgxpool.Config, error) {
	if !unmistakable(url) {
		return nil, errors.New("want postgres://USER:PASSWORD@HOST:PORT/NAME, with every other @, and all else that is " +
			"special in the password, percent-encoded")
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err // pgx leaves the password out, where it is clear which part that is
	}
	parsed := config.ConnConfig
	if parsed.ConnectTimeout == 0 {
		parsed.ConnectTimeout = max(connectTimeout/time.Duration(servers(&parsed.Config)), leastConnectTimeout)
	}
	if parsed.RuntimeParams["application_name"] == "" {
		parsed.RuntimeParams["application_name"] = "vouchsafe"
	}
	// pgxpool's default is the number of cores, at least 4, as if the server were idle
	// while we wait for its disk.
	if !strings.Contains(url, "pool_max_conns=") {
		config.MaxConns = int32(max(16, 4*runtime.GOMAXPROCS(0)))
	}
	return config, nil
}

// unmistakable reports whether the URL can be read in one way only. Part of a password with a / or a
// second @ in it would otherwise be taken for a host or a database, and would stand in the log in the
// message that it cannot be reached.
func unmistakable(url string) bool {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || scheme != "postgres" && scheme != "postgresql" || strings.Contains(rest, "#") {
		return false
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	at := strings.Count(rest, "@")
	return at == 0 || at == 1 && strings.Contains(authority, "@")
}

// servers returns how many the URL names. Each may be there twice, with TLS and without.
func servers(c *pgconn.Config) int {
	named := map[string]bool{fmt.Sprint(c.Host, c.Port): true}
	for _, f := range c.Fallbacks {
		named[fmt.Sprint(f.Host, f.Port)] = true
	}
	return len(named)
}
