package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/storage"
)

// printJSON writes v for a script to read.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// zoned is t in the time zone of this machine, with its offset from UTC: 2026-11-29 10:20:00+01:00.
func zoned(t time.Time) string {
	return t.Local().Format("2006-01-02 15:04:05-07:00")
}

// table aligns rows for people. It prints them as they come, some hundred at a time: columns
// may get wider further down, and memory does not grow with their number.
type table struct {
	w      io.Writer
	rows   [][]string
	widths []int
}

// tableRows is how many rows are aligned together.
const tableRows = 200

func (a *app) table(columns ...string) *table {
	t := &table{w: a.stdout, widths: make([]int, len(columns))}
	t.rows = append(t.rows, columns)
	return t
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		// What people and clients call themselves must not move a terminal's cursor.
		cells[i] = printable(c)
	}
	t.rows = append(t.rows, cells)
	if len(t.rows) >= tableRows {
		_ = t.flush() // a writer that failed once fails at the end, too
	}
}

// flush prints what was not printed yet.
func (t *table) flush() error {
	for _, cells := range t.rows {
		for i, c := range cells {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, cells := range t.rows {
		for i, c := range cells {
			b.WriteString(c)
			if i < len(cells)-1 {
				b.WriteString(strings.Repeat(" ", t.widths[i]+2-utf8.RuneCountInString(c)))
			}
		}
		b.WriteByte('\n')
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(t.w, b.String())
	return err
}

// printable is s without control characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// noSuch says of what is not found what it was.
func noSuch(err error, kind, name string) error {
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("there is no %s %q", kind, name)
	}
	return err
}
