package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// dataDir is the folder of an embedded server. It belongs to nobody else: the database
// holds personal data, and with the master secret everything in it can be unsealed.
type dataDir string

func (d dataDir) database() string { return filepath.Join(string(d), "vouchsafe.db") }
func (d dataDir) secret() string   { return filepath.Join(string(d), "secret") }

// prepare makes the folder and an empty database file that only their owner can open.
// SQLite gives its side files the mode of the database. A folder that is another user's is
// taken when only its group comes in besides: so are volumes that Kubernetes gives to a group
// (fsGroup), and what is in it is still closed to the group.
func (d dataDir) prepare() error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	info, err := os.Stat(string(d))
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		err := os.Chmod(string(d), 0o700)
		if err != nil && (!errors.Is(err, fs.ErrPermission) || info.Mode().Perm()&0o007 != 0) {
			return fmt.Errorf("data folder %s can be read by others, and cannot be closed to them: %w", d, err)
		}
	}
	// What a copy, or a volume that is mounted, may have opened to others.
	for _, beside := range []string{"-wal", "-shm", "-migrate"} {
		if err := owned(d.database() + beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(d.database(), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if err := owned(d.database()); err != nil {
			return err
		}
		// SQLite would not say why it cannot: a read-only disk, another owner.
		f, err = os.OpenFile(d.database(), os.O_RDWR, 0)
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return f.Close()
}

// owned sees to it that only its owner can open the file. A link may lead to where
// somebody else can.
func owned(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: put the file itself there, or set VOUCHSAFE_DATA to the folder where it is", path)
	case info.Mode().Perm()&0o077 == 0:
		return nil
	}
	err = os.Chmod(path, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s belongs to another user and can be read by others: make it the file of the user that Vouchsafe runs as (chown), with the mode 0600: %w", path, err)
	}
	return err
}

// shared is the mode of a folder that others than this process's user may open, as ls shows
// it; "" when there are none.
func (d dataDir) shared() string {
	info, err := os.Stat(string(d))
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return info.Mode().String()
}

// masterSecret is the installation's secret, made when it is first asked for.
func (d dataDir) masterSecret() (string, error) {
	f, err := os.OpenFile(d.secret(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return d.readSecret()
	}
	if err != nil {
		return "", fmt.Errorf("master secret: %w", err)
	}
	s := secret.Token() + secret.Token()
	_, err = f.WriteString(s + "\n")
	// On the disk before anything is sealed with it.
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return "", fmt.Errorf("master secret: %w", err)
	}
	return s, nil
}

func (d dataDir) readSecret() (string, error) {
	if err := owned(d.secret()); err != nil {
		return "", fmt.Errorf("master secret: %w", err)
	}
	// Another process may have made the file a moment ago and be about to fill it.
	for range 20 {
		text, err := os.ReadFile(d.secret())
		if err != nil {
			return "", fmt.Errorf("master secret: %w", err)
		}
		if s := strings.TrimSpace(string(text)); s != "" {
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", fmt.Errorf("master secret: %s is empty: put it back from a backup, or, if nothing was ever stored here, remove it", d.secret())
}
