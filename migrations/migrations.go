// Package migrations holds the schema, as steps that are applied in order and never
// undone. One text serves PostgreSQL and SQLite.
//
// Yesterday's binary must run on today's schema, so that replicas can be replaced one
// by one: expand first (a new column has a default), contract in a later release. A
// step that was released is never edited.
package migrations

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

//go:embed *.sql
var files embed.FS

// SQLite returns the steps as SQLite runs them.
func SQLite() fs.FS { return files }

// Postgres returns the steps as PostgreSQL runs them: TEXT columns get the collation "C".
// They then sort by bytes as in SQLite, comparing is cheap, and an upgrade of the
// system's locales cannot corrupt their indices.
//
// No step blocks the servers that run meanwhile. A change of a table needs it alone for a
// moment, and all others queue behind a change that waits, for a backup to end, say: it
// gives up after LockTimeout, to be tried again. Steps without a transaction build and drop
// indices while others write (CONCURRENTLY).
func Postgres() fs.FS { return postgres{files} }

// LockTimeout is how long a step on PostgreSQL waits for a table. PostgreSQL then fails it
// with SQLSTATE 55P03, and nothing of it has happened.
const LockTimeout = 200 * time.Millisecond

// Latest returns the version of the last step.
func Latest() int64 {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		panic(err) // the pattern is constant
	}
	var latest int64
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		if v, err := strconv.ParseInt(number, 10, 64); err == nil && v > latest {
			latest = v
		}
	}
	return latest
}

type postgres struct{ embed.FS }

// Open opens a step in PostgreSQL's dialect. The folder itself is opened as it is.
func (p postgres) Open(name string) (fs.File, error) {
	f, err := p.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := p.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &step{File: f, Reader: bytes.NewReader(text)}, nil
}

// ReadFile reads a step in PostgreSQL's dialect.
func (p postgres) ReadFile(name string) ([]byte, error) {
	text, err := p.FS.ReadFile(name)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte(" TEXT "), []byte(` TEXT COLLATE "C" `))
	if bytes.Contains(text, []byte("-- +goose NO TRANSACTION")) {
		text = bytes.ReplaceAll(text, []byte("\nCREATE INDEX "), []byte("\nCREATE INDEX CONCURRENTLY "))
		text = bytes.ReplaceAll(text, []byte("\nCREATE UNIQUE INDEX "), []byte("\nCREATE UNIQUE INDEX CONCURRENTLY "))
		return bytes.ReplaceAll(text, []byte("\nDROP INDEX "), []byte("\nDROP INDEX CONCURRENTLY ")), nil
	}
	begin := fmt.Sprintf("-- +goose Up\nSET LOCAL lock_timeout = %d;\n", LockTimeout.Milliseconds())
	return bytes.Replace(text, []byte("-- +goose Up\n"), []byte(begin), 1), nil
}

// step is a file whose text was translated.
type step struct {
	fs.File
	*bytes.Reader
}

// Read reads the translated text.
func (s *step) Read(b []byte) (int, error) { return s.Reader.Read(b) }
