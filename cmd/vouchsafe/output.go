package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/vouchsafe/vouchsafe/storage"
)

// printJSON writes v for a script to read.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table aligns rows for people.
type table struct{ w *tabwriter.Writer }

func (a *app) table(columns ...string) table {
	t := table{tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)}
	t.row(columns...)
	return t
}

func (t table) row(cells ...string) {
	for i, c := range cells {
		// What people and clients call themselves must not move a terminal's cursor.
		cells[i] = printable(c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
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

func (t table) flush() error { return t.w.Flush() }

// noSuch says of what is not found what it was.
func noSuch(err error, kind, name string) error {
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("there is no %s %q", kind, name)
	}
	return err
}
