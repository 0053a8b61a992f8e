package datadir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// Handover is how long a start waits for another server to release the data folder. For a server
	// that says that it is stopping it waits as long as that may take.
	Handover = 5 * time.Second
	// askForLock is how often it tries.
	askForLock = 50 * time.Millisecond
	// closingTime is what a server may need after the last request, to close its stores.
	closingTime = 10 * time.Second
)

// errLocked says that another process has the lock.
var errLocked = errors.New("locked by another process")

// Lock keeps a second server from a data folder, because the memory of one server holds what it counts
// and which mails it sends. Commands do not take it. The kernel holds the lock for an open file and
// releases it however the process ends; the content of the file is for operators.
type Lock struct {
	dir   Dir
	log   *slog.Logger
	flock func(*os.File) error // errLocked when another process has it
	file  *os.File             // nil where there are no locks
	self  holder
}

// holder is the server that has the lock, as the file describes it.
type holder struct {
	Process int       `json:"process"`
	Host    string    `json:"host"`
	Issuer  string    `json:"issuer"`
	Since   time.Time `json:"since"`
	// Stopping is how long the server may still take, from when it was told to stop; 0 when it was not.
	Stopping time.Duration `json:"stopping,omitempty"`
}

// lockFile returns the path of the file that is locked.
func (d Dir) lockFile() string { return filepath.Join(string(d), "server.lock") }

// NewLock returns a lock of the folder that is not taken.
func NewLock(dir Dir, log *slog.Logger) *Lock {
	return &Lock{dir: dir, log: log, flock: flock}
}

// Take prepares the folder and takes the lock for the server of the issuer. It waits a moment for another
// server to stop. On a file system without locks it logs a warning and goes on.
func (l *Lock) Take(ctx context.Context, issuer string) error {
	if err := l.dir.Prepare(); err != nil {
		return err
	}
	host, _ := os.Hostname() // the lock is taken without it, too
	return l.take(ctx, holder{Process: os.Getpid(), Host: host, Issuer: issuer, Since: time.Now()})
}

// take tries to take the lock until the other server has released it or the time is over.
func (l *Lock) take(ctx context.Context, self holder) error {
	began := time.Now()
	var end time.Time
	for {
		err := l.try(self)
		if err == nil || !errors.Is(err, errLocked) {
			return err
		}
		other := l.read()
		if end.IsZero() {
			end = began.Add(Handover)
			l.log.InfoContext(ctx, "waiting for the server before this one to let go of the data folder", "data", string(l.dir),
				"process", other.Process, "host", other.Host)
		}
		if other.Stopping > 0 && end.Before(began.Add(other.Stopping)) {
			end = began.Add(other.Stopping)
		}
		if time.Now().After(end) {
			return l.refusal(other)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(askForLock):
		}
	}
}

// try takes the lock, or returns errLocked.
func (l *Lock) try(self holder) error {
	if err := owned(l.dir.lockFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(l.dir.lockFile(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	err = l.flock(f)
	if err == nil && !l.there(f) { // removed meanwhile: no other process would meet this lock
		err = errLocked
	}
	switch {
	case err == nil:
		l.file, l.self = f, self
		l.tell()
		return nil
	case lockless(err):
		l.log.Warn("the data folder knows no locks: see to it that one server alone uses it", "data",
			string(l.dir), "error", err)
		return f.Close()
	}
	return errors.Join(err, f.Close())
}

// there reports whether the open file is still the one in the folder.
func (l *Lock) there(f *os.File) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(l.dir.lockFile())
	return err == nil && os.SameFile(open, named)
}

// lockless reports whether the error means that the file system has no locks.
func lockless(err error) bool {
	for _, known := range []error{errors.ErrUnsupported, syscall.ENOSYS, syscall.EOPNOTSUPP,
		syscall.ENOLCK, syscall.EINVAL} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// tell writes into the file which server has the lock. A failure is only logged: the lock is the kernel's.
func (l *Lock) tell() {
	text, err := json.Marshal(l.self)
	if err == nil {
		err = l.file.Truncate(0)
	}
	if err == nil {
		_, err = l.file.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		l.log.Warn("cannot write who uses the data folder", "file", l.dir.lockFile(), "error", err)
	}
}

// read returns which server has the lock, as far as the file says.
func (l *Lock) read() (h holder) {
	f, err := os.Open(l.dir.lockFile())
	if err != nil {
		return holder{}
	}
	defer func() { _ = f.Close() }() // it was only read
	if json.NewDecoder(io.LimitReader(f, 1<<12)).Decode(&h) != nil {
		return holder{} // it is being written
	}
	return h
}

// refusal returns an error that says which server uses the folder, and what to do.
func (l *Lock) refusal(h holder) error {
	path, err := filepath.Abs(string(l.dir))
	if err != nil {
		path = string(l.dir)
	}
	who := "another server"
	if h.Process != 0 {
		who += fmt.Sprintf(": process %d on %s, which serves %s since %s", h.Process, h.Host, h.Issuer,
			h.Since.Local().Format("2006-01-02 15:04:05-07:00"))
	}
	return fmt.Errorf("the data folder %s is used by %s.\n"+
		"Stop that one first, or give this one a folder of its own: VOUCHSAFE_DATA.\n"+
		"Several servers share PostgreSQL and Redis: VOUCHSAFE_DATABASE_URL and VOUCHSAFE_REDIS_URL", path, who)
}

// Stopping tells a server that waits for the lock that this one releases it within d and the time that
// closing takes.
func (l *Lock) Stopping(d time.Duration) {
	if l.file != nil {
		l.self.Stopping = d + closingTime
		l.tell()
	}
}

// Release releases the lock, if this process has it.
func (l *Lock) Release() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
