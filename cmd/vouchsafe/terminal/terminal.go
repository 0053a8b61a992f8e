package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
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
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := t.Out.Write(escaped(text.Bytes()))
	return err
}

// controls replaces the control characters that encoding/json leaves as they are: DEL, and C1 (U+0080 to U+009F), by
// which some terminals take commands as they do by ESC. In JSON they stand in strings only.
var controls = func() *strings.Replacer {
	var pairs []string
	for r := rune(0x7f); r <= 0x9f; r++ {
		pairs = append(pairs, string(r), fmt.Sprintf(`\u%04x`, r))
	}
	return strings.NewReplacer(pairs...)
}()

// escaped returns JSON with which no server moves the cursor of a terminal.
func escaped(text []byte) []byte { return []byte(controls.Replace(string(text))) }

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
