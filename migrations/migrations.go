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
	"regexp"
	"strconv"
	"strings"
	"time"
)

//go:embed *.sql
var files embed.FS

// SQLite returns the steps as SQLite runs them.
func SQLite() fs.FS { return steps{files, func(text []byte) []byte { return text }} }

// Postgres returns the steps as PostgreSQL runs them: TEXT columns get the collation "C".
// They then sort by bytes as in SQLite, comparing is cheap, and an upgrade of the
// system's locales cannot corrupt their indices.
//
// No step blocks the servers that run meanwhile. A change of a table needs it alone for a
// moment, and all others queue behind a change that waits, for a backup to end, say: it
// gives up after LockTimeout, to be tried again. Steps without a transaction build and drop
// indices while others write (CONCURRENTLY).
func Postgres() fs.FS { return steps{files, forPostgres} }

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

// steps are the files, translated for one database.
type steps struct {
	embed.FS
	translate func(text []byte) []byte
}

// Open opens a step as the database runs it. The folder itself is opened as it is.
func (s steps) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := s.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &step{File: f, Reader: bytes.NewReader(text)}, nil
}

// ReadFile reads a step as the database runs it.
func (s steps) ReadFile(name string) ([]byte, error) {
	text, err := s.FS.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return joinLines(s.translate(text)), nil
}

// textType matches the type of a text column, whatever follows it.
var textType = regexp.MustCompile(` TEXT\b`)

// forPostgres returns a step in PostgreSQL's dialect.
func forPostgres(text []byte) []byte {
	text = textType.ReplaceAll(text, []byte(` TEXT COLLATE "C"`))
	if bytes.Contains(text, []byte("-- +goose NO TRANSACTION")) {
		text = bytes.ReplaceAll(text, []byte("\nCREATE INDEX "), []byte("\nCREATE INDEX CONCURRENTLY "))
		text = bytes.ReplaceAll(text, []byte("\nCREATE UNIQUE INDEX "), []byte("\nCREATE UNIQUE INDEX CONCURRENTLY "))
		return bytes.ReplaceAll(text, []byte("\nDROP INDEX "), []byte("\nDROP INDEX CONCURRENTLY "))
	}
	begin := fmt.Sprintf("-- +goose Up\nSET LOCAL lock_timeout = %d;\n", LockTimeout.Milliseconds())
	return bytes.Replace(text, []byte("-- +goose Up\n"), []byte(begin), 1)
}

// joinLines returns a step with each statement on one line and without comments. goose takes a buffer
// of four MiB for every line that it reads, and the race detector has a quarter of them made anew: the
// tests, which make hundreds of databases, spent a third of their time on that.
func joinLines(text []byte) []byte {
	var joined []byte
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		switch {
		case bytes.HasPrefix(line, []byte("-- +goose")), bytes.HasSuffix(line, []byte(";")):
			joined = append(append(joined, line...), '\n')
		case len(line) > 0 && !bytes.HasPrefix(line, []byte("--")):
			joined = append(append(joined, line...), ' ')
		}
	}
	return joined
}

// step is a file whose text was translated.
type step struct {
	fs.File
	*bytes.Reader
}

// Read reads the translated text.
func (s *step) Read(b []byte) (int, error) { return s.Reader.Read(b) }
