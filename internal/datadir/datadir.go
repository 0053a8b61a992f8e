// Package datadir keeps the data folder of an embedded server: only its owner can read it, and one
// server at a time uses it. The database in the folder holds personal data. With the master secret,
// which is beside it, everything sealed can be opened.
package datadir

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

// Dir is the folder of an embedded server.
type Dir string

// Database returns the path of the database.
func (d Dir) Database() string { return filepath.Join(string(d), "vouchsafe.db") }

// Absolute returns the path of the folder from the root, so that the user sees which folder is meant.
func (d Dir) Absolute() string {
	if full, err := filepath.Abs(string(d)); err == nil {
		return full
	}
	return string(d)
}

// Holds reports whether there is a database in the folder. It makes nothing.
func (d Dir) Holds() (bool, error) {
	_, err := os.Stat(d.Database())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("data folder: %w", err)
	}
	return true, nil
}

// secretFile returns the path of the master secret.
func (d Dir) secretFile() string { return filepath.Join(string(d), "secret") }

// Prepare makes the folder and an empty database file that only their owner can open. SQLite gives its
// side files the mode of the database. A folder of another user is accepted if only its group can enter
// it as well: such are volumes that Kubernetes gives to a group (fsGroup). The files in it are closed to
// the group nevertheless.
func (d Dir) Prepare() error {
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
	// A copy, or the mount of a volume, may have opened these files to others.
	for _, beside := range []string{"-wal", "-shm", "-migrate"} {
		if err := owned(d.Database() + beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(d.Database(), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if err := owned(d.Database()); err != nil {
			return err
		}
		// SQLite would not say why it cannot open the file: a read-only disk, another owner.
		f, err = os.OpenFile(d.Database(), os.O_RDWR, 0)
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return f.Close()
}

// owned makes sure that only its owner can open the file. It refuses a link, which may lead to a
// file that other users can open.
func owned(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: put the file itself there, or set VOUCHSAFE_DATA to "+
			"the folder where it is", path)
	case info.Mode().Perm()&0o077 == 0:
		return nil
	}
	err = os.Chmod(path, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s belongs to another user and can be read by others: make it the file of the user that "+
			"Vouchsafe runs as (chown), with the mode 0600: %w", path, err)
	}
	return err
}

// Shared returns the mode of the folder, as ls shows it, if users other than that of this process may open
// it, or "".
func (d Dir) Shared() string {
	info, err := os.Stat(string(d))
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return info.Mode().String()
}

// MasterSecret returns the secret of the installation. The first call makes it.
func (d Dir) MasterSecret() (string, error) {
	f, err := os.OpenFile(d.secretFile(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
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

// readSecret reads the file of the master secret, and waits up to a second for a process that is
// about to fill it.
func (d Dir) readSecret() (string, error) {
	if err := owned(d.secretFile()); err != nil {
		return "", fmt.Errorf("master secret: %w", err)
	}
	// Another process may have made the file a moment ago and be about to fill it.
	for range 20 {
		text, err := os.ReadFile(d.secretFile())
		if err != nil {
			return "", fmt.Errorf("master secret: %w", err)
		}
		if s := strings.TrimSpace(string(text)); s != "" {
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", fmt.Errorf("master secret: %s is empty: put it back from a backup, or, if nothing was ever "+
		"stored here, remove it", d.secretFile())
}
