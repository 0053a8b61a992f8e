package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Terminal is where a command reads and writes. Nothing of it has to be a terminal: In, Out and Err may be files, pipes
// or buffers.
type Terminal struct {
	In io.Reader
	// Out is for what a script may read, and Err for the rest: questions, progress, warnings.
	Out, Err io.Writer
}

// Is reports whether what is written to w is shown on a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Interactive reports whether standard input is a terminal.
func (t *Terminal) Interactive() bool {
	in, ok := t.In.(*os.File)
	return ok && term.IsTerminal(int(in.Fd()))
}

// PrintJSON writes v for a script to read.
func (t *Terminal) PrintJSON(v any) error {
	enc := json.NewEncoder(t.Out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// PrintSentence prints what a command has done. Names of users and clients in args must not move the cursor of
// a terminal.
func (t *Terminal) PrintSentence(sentence string, args ...any) error {
	_, err := fmt.Fprintln(t.Out, Printable(fmt.Sprintf(sentence, args...)))
	return err
}

// PrintFields prints the names and values of one thing, a line for each.
func (t *Terminal) PrintFields(fields [][2]string) error {
	width := 0
	for _, f := range fields {
		width = max(width, len(f[0]))
	}
	for _, f := range fields {
		if _, err := fmt.Fprintf(t.Out, "%-*s  %s\n", width, f[0], Printable(f[1])); err != nil {
			return err
		}
	}
	return nil
}

// Zoned returns t in UTC, as logs and servers have it: 2026-11-29 23:45:10 UTC.
func Zoned(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
