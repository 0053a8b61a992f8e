package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// lite is SQLite: one connection that writes and a pool that reads. In memory, where
// connections would lock each other out, the one connection does both.
type lite struct {
	path    string // "" in memory
	source  string // the data source name of further connections that write
	meter   *Meter
	writing *liteConn
	writer  sync.Mutex // has the writing connection
	readers readers
	slots   chan struct{} // who may read; in memory: who may use the connection
	group   group
	last    lastWrite
}

// memories numbers the databases in memory.
var memories atomic.Int64

// openSQLite opens the file, which it makes if there is none, or a database in memory for ":memory:".
func openSQLite(path string, m *Meter) (*lite, error) {
	l := &lite{path: path, meter: m}
	readers := 1
	switch path {
	case "":
		return nil, errors.New("no path behind sqlite:, want one")
	case ":memory:":
		l.path = ""
		l.source = fmt.Sprintf("file:/vouchsafe-%d?vfs=memdb", memories.Add(1))
		l.source += pragmas("synchronous(OFF)")
	default:
		if err := l.prepareFile(); err != nil {
			return nil, err
		}
		readers = max(4, 2*runtime.GOMAXPROCS(0))
		l.source = fileSource(l.path)
		// FULL: an answered write survives a power cut. The group commit pays for it.
		l.source += pragmas("journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)")
	}
	l.slots = make(chan struct{}, readers)
	l.group.commit = l.commit
	writing, err := l.firstConn()
	if err != nil {
		return nil, Fault(err)
	}
	l.writing = &liteConn{writing, m}
	// SQLite's own wait for another process's transaction sleeps ever longer, up to 100 ms, and
	// one that writes again and again takes the file each time meanwhile: see begin.
	if err := l.writing.command("PRAGMA busy_timeout = 0"); err != nil {
		return nil, errors.Join(Fault(err), writing.close())
	}
	l.readers.source = strings.Replace(l.source, "?mode=rw", "?mode=ro", 1)
	// The writer has done that.
	l.readers.source = strings.Replace(l.readers.source, "&_pragma=journal_mode(WAL)", "", 1)
	return l, nil
}

// firstConn connects. Where two processes set a new file's journal mode at once SQLite
// says SQLITE_BUSY to one of them without waiting as busy_timeout wants: so it waits here.
func (l *lite) firstConn() (*native, error) {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n, err := openNative(l.source)
		if !isBusy(err) || time.Now().After(end) {
			return n, err
		}
	}
}

// fileSource returns the data source name of a file.
func fileSource(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?mode=rw"
}

// pragmas returns the part of a data source name that every connection has, and more.
func pragmas(more ...string) string {
	all := append([]string{"busy_timeout(5000)", "foreign_keys(1)", "temp_store(2)", "cache_size(-20000)"}, more...)
	return "&_txlock=immediate&_pragma=" + strings.Join(all, "&_pragma=")
}

// prepareFile makes the file, for its owner alone: it holds password hashes and sealed
// keys. SQLite gives its companions (-wal, -shm) the same mode.
func (l *lite) prepareFile() error {
	path, err := filepath.Abs(l.path)
	if err != nil {
		return err
	}
	l.path = path
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	// A user who can make a link here could have the database created where other users can read
	// it.
	if info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a symbolic link: name the file itself", path)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(path, 0o600)
	}
	return nil
}

// Read implements Engine. Reading goes on beside the writer.
func (l *lite) Read(ctx context.Context, run func(Conn) error) error {
	if err := l.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-l.slots }()
	if l.path == "" {
		return run(l.writing)
	}
	n, err := l.readers.take()
	if err != nil {
		return Fault(err)
	}
	defer l.readers.put(n)
	return run(&liteConn{n, l.meter})
}

// readers are the connections that read and are idle. They are made when they are needed.
type readers struct {
	source string

	mu     sync.Mutex
	idle   []*native
	closed bool
}

// take returns an idle connection, or a new one.
func (r *readers) take() (*native, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, sql.ErrConnDone
	}
	if last := len(r.idle) - 1; last >= 0 {
		n := r.idle[last]
		r.idle = r.idle[:last]
		return n, nil
	}
	return openNative(r.source)
}

// put gives back a connection.
func (r *readers) put(n *native) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = n.close() // it has read, and there is nothing to lose
		return
	}
	r.idle = append(r.idle, n)
}

// close closes the connections; those in use when they are put back.
func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	var errs []error
	for _, n := range r.idle {
		errs = append(errs, n.close())
	}
	r.idle = nil
	return errors.Join(errs...)
}

// acquire waits for a connection to read with.
func (l *lite) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return Fault(err)
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return Fault(ctx.Err())
	case <-timer.C:
		return Fault(context.DeadlineExceeded)
	}
}

// Write implements Engine.
func (l *lite) Write(ctx context.Context, run func(Conn) error) error {
	return l.queue(ctx, &task{run: run, single: true})
}

// Transact implements Engine.
func (l *lite) Transact(ctx context.Context, run func(Conn) error) error {
	return l.queue(ctx, &task{run: run})
}

// queue has the task committed together with those that wait.
func (l *lite) queue(ctx context.Context, t *task) error {
	err := l.group.do(ctx, t)
	if err != nil { // commit knows of successes
		l.last.note(ctx, err)
	}
	return err
}

// Ping implements Engine.
func (l *lite) Ping(ctx context.Context) (version int64, err error) {
	err = l.Read(ctx, func(c Conn) error { return c.Row(schemaVersion).Scan(&version) })
	return version, err
}

// WriteFault implements Engine. A commit that does not end is a fault, too.
func (l *lite) WriteFault() error {
	if d := l.group.stalled(); d > maxWait {
		return fmt.Errorf("it began %s ago and has not ended", d.Round(time.Second))
	}
	return l.last.err()
}

// Close implements Engine.
func (l *lite) Close() error {
	// What is under way ends first.
	_ = l.group.do(context.Background(), &task{run: func(Conn) error { return nil }})
	err := l.readers.close()
	l.writer.Lock()
	defer l.writer.Unlock()
	if l.path == "" {
		l.slots <- struct{}{}
		defer func() { <-l.slots }()
	}
	// The writer goes last: the last connection folds the log into the file.
	return errors.Join(err, l.writing.close())
}

// liteConn is a connection that counts its statements.
//
// Statements run without the caller's context: one that is cancelled would interrupt
// the group it is committed with, and watching it costs as much as a point read.
type liteConn struct {
	*native
	meter *Meter
}

// command runs a statement that manages the transaction.
func (c *liteConn) command(query string) error {
	_, err := c.exec(query, nil)
	return err
}

// Exec implements Conn.
func (c *liteConn) Exec(query string, args ...any) (int64, error) {
	c.meter.note(query)
	n, err := c.exec(query, bind(args))
	return n, Fault(err)
}

// RowsAtOnce implements Conn. SQLite goes through all names of a statement's parameters to find one: twice the rows
// take four times as long.
func (c *liteConn) RowsAtOnce() int { return 8 }

// Row implements Conn.
func (c *liteConn) Row(query string, args ...any) Scanner { return only{c, query, args} }

// Each implements Conn.
func (c *liteConn) Each(query string, args []any, scan func(Scanner) error) error {
	c.meter.note(query)
	return Fault(c.each(query, bind(args), scan))
}
