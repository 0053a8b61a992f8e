package main

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
	// handover is how long a start waits for another server to let go of the data folder. One
	// that says that it is stopping is waited for as long as it may take.
	handover = 5 * time.Second
	// askForLock is how soon it asks again.
	askForLock = 50 * time.Millisecond
	// closingTime is what a server may need behind the last request, to close its stores.
	closingTime = 10 * time.Second
)

// errLocked says that another process has the lock.
var errLocked = errors.New("locked by another process")

// dataLock keeps a second server from a data folder: what a server counts, and whom it mails,
// it knows alone. Commands do not take it. The kernel holds it for an open file, and gives it
// back however the process ends; what stands in the file is for people.
type dataLock struct {
	dir   dataDir
	log   *slog.Logger
	flock func(*os.File) error // errLocked when another process has it
	file  *os.File             // nil where there are no locks
	self  holder
}

// holder is the server that has the lock, as its file tells of it.
type holder struct {
	Process int       `json:"process"`
	Host    string    `json:"host"`
	Issuer  string    `json:"issuer"`
	Since   time.Time `json:"since"`
	// Stopping is how long it may still take, from when it was told to stop; 0: it stays.
	Stopping time.Duration `json:"stopping,omitempty"`
}

// lock is the file that is locked.
func (d dataDir) lock() string { return filepath.Join(string(d), "server.lock") }

func newDataLock(dir dataDir, log *slog.Logger) *dataLock {
	return &dataLock{dir: dir, log: log, flock: flock}
}

// lockData takes the lock of an embedded server. In production there is nothing to lock.
func lockData(ctx context.Context, cfg *Config, log *slog.Logger) (*dataLock, error) {
	l := newDataLock(dataDir(cfg.Data), log)
	if cfg.production() {
		return l, nil
	}
	if err := l.dir.prepare(); err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // "": it is told without
	return l, l.take(ctx, holder{Process: os.Getpid(), Host: host, Issuer: cfg.Issuer, Since: time.Now()})
}

// take waits for the lock for a moment. Where the folder knows no locks it says so in the log
// and goes on.
func (l *dataLock) take(ctx context.Context, self holder) error {
	began := time.Now()
	var end time.Time
	for {
		err := l.try(self)
		if err == nil || !errors.Is(err, errLocked) {
			return err
		}
		other := l.read()
		if end.IsZero() {
			end = began.Add(handover)
			l.log.InfoContext(ctx, "waiting for the server before this one to let go of the data folder", "data", string(l.dir), "process", other.Process, "host", other.Host)
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

// try takes the lock if nobody has it.
func (l *dataLock) try(self holder) error {
	if err := owned(l.dir.lock()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(l.dir.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	err = l.flock(f)
	if err == nil && !l.there(f) { // removed meanwhile: a lock that nobody else meets
		err = errLocked
	}
	switch {
	case err == nil:
		l.file, l.self = f, self
		l.tell()
		return nil
	case lockless(err):
		l.log.Warn("the data folder knows no locks: see to it that one server alone uses it", "data", string(l.dir), "error", err)
		return f.Close()
	}
	return errors.Join(err, f.Close())
}

// there says whether the file is still the one in the folder.
func (l *dataLock) there(f *os.File) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(l.dir.lock())
	return err == nil && os.SameFile(open, named)
}

// lockless says whether the file system has no locks, rather than another process this one.
func lockless(err error) bool {
	for _, known := range []error{errors.ErrUnsupported, syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.ENOLCK, syscall.EINVAL} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// tell writes who has the lock. That it cannot is no matter: the lock is the kernel's.
func (l *dataLock) tell() {
	text, err := json.Marshal(l.self)
	if err == nil {
		err = l.file.Truncate(0)
	}
	if err == nil {
		_, err = l.file.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		l.log.Warn("cannot write who uses the data folder", "file", l.dir.lock(), "error", err)
	}
}

// read is who has the lock, as far as the file tells it.
func (l *dataLock) read() (h holder) {
	f, err := os.Open(l.dir.lock())
	if err != nil {
		return holder{}
	}
	defer func() { _ = f.Close() }() // it was only read
	if json.NewDecoder(io.LimitReader(f, 1<<12)).Decode(&h) != nil {
		return holder{} // it is being written
	}
	return h
}

// refusal says who uses the folder, and what to do.
func (l *dataLock) refusal(h holder) error {
	path, err := filepath.Abs(string(l.dir))
	if err != nil {
		path = string(l.dir)
	}
	who := "another server"
	if h.Process != 0 {
		who += fmt.Sprintf(": process %d on %s, which serves %s since %s", h.Process, h.Host, h.Issuer, zoned(h.Since))
	}
	return fmt.Errorf("the data folder %s is used by %s.\n"+
		"Stop that one first, or give this one a folder of its own: VOUCHSAFE_DATA.\n"+
		"Several servers share PostgreSQL and Redis: VOUCHSAFE_DATABASE_URL and VOUCHSAFE_REDIS_URL", path, who)
}

// stopping tells who waits for the lock that it will be free, within d and what closing takes.
func (l *dataLock) stopping(d time.Duration) {
	if l.file != nil {
		l.self.Stopping = d + closingTime
		l.tell()
	}
}

// release gives the lock back.
func (l *dataLock) release() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
