package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode"

	"golang.org/x/term"

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

// maxSecret bounds what is read from standard input.
const maxSecret = 4096

// readSecret reads a secret from standard input, up to its end; one line break at the
// end is not part of it.
func (a *app) readSecret(what string) (string, error) {
	text, err := io.ReadAll(io.LimitReader(a.stdin, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	switch {
	case s == "":
		return "", fmt.Errorf("there is no %s on standard input", what)
	case len(text) > maxSecret:
		return "", fmt.Errorf("the %s on standard input is too long", what)
	}
	return s, nil
}

// interactive says whether somebody sits at a terminal.
func (a *app) interactive() bool {
	in, ok := a.stdin.(*os.File)
	return ok && term.IsTerminal(int(in.Fd()))
}

// askTwice asks for a secret without showing it, twice, for nobody sees what they type.
func (a *app) askTwice(prompt string) (string, error) {
	ask := func(prompt string) (string, error) {
		fmt.Fprint(a.stderr, prompt+": ")
		defer fmt.Fprintln(a.stderr)
		s, err := term.ReadPassword(int(a.stdin.(*os.File).Fd()))
		return string(s), err
	}
	first, err := ask(prompt)
	if err != nil {
		return "", err
	}
	second, err := ask(prompt + " again")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two differ")
	}
	return first, nil
}
