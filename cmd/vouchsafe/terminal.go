package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/vouchsafe/vouchsafe/internal/listing"
)

// printJSON writes v for a script to read.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// zoned returns t in UTC, as logs and servers have it: 2026-11-29 23:45:10 UTC.
func zoned(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// printSentence prints what a command has done. Names of users and clients in args must not move the cursor of
// a terminal.
func (a *app) printSentence(sentence string, args ...any) error {
	_, err := fmt.Fprintln(a.stdout, printable(fmt.Sprintf(sentence, args...)))
	return err
}

// printFields prints the names and values of one thing, a line for each.
func (a *app) printFields(fields [][2]string) error {
	width := 0
	for _, f := range fields {
		width = max(width, len(f[0]))
	}
	for _, f := range fields {
		if _, err := fmt.Fprintf(a.stdout, "%-*s  %s\n", width, f[0], printable(f[1])); err != nil {
			return err
		}
	}
	return nil
}

// tellRemoved prints what was removed. name is what people call it.
func (a *app) tellRemoved(asJSON bool, tenant, kind, id, name string) error {
	if asJSON {
		return a.printJSON(struct {
			Removed string `json:"removed"`
			ID      string `json:"id"`
			Tenant  string `json:"tenant,omitempty"`
		}{kind, id, tenant})
	}
	if tenant == "" {
		return a.printSentence("Removed %s %s.", kind, name)
	}
	return a.printSentence("Removed %s %s from tenant %s.", kind, name, tenant)
}

// some returns the part of a list that the flags choose.
func some[T any](c pageFlags, page func(after string) ([]T, error), id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := 0
		for v, err := range listing.All(func(after string) ([]T, error) {
			if after == "" {
				after = c.After
			}
			return page(after)
		}, id) {
			if n++; c.Limit > 0 && n > c.Limit {
				return
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// matching returns the elements of a list that match, and errors.
func matching[T any](all iter.Seq2[T, error], matches func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range all {
			if (err != nil || matches(v)) && !yield(v, err) {
				return
			}
		}
	}
}

// first returns at most limit elements of a list; all if limit is 0.
func first[T any](limit int, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := 0
		for v, err := range all {
			if !yield(v, err) {
				return
			}
			if n++; n == limit {
				return
			}
		}
	}
}

// printList prints a list as JSON, or as a table of the columns with the cells of each.
func printList[T, V any](a *app, asJSON bool, all iter.Seq2[T, error], view func(T) V, columns []string,
	cells func(V) []string,
) error {
	if asJSON {
		return printArray(a.stdout, all, view)
	}
	t := a.table(columns...)
	for v, err := range all {
		if err != nil {
			return errors.Join(t.flush(), err)
		}
		t.row(cells(view(v))...)
	}
	return t.flush()
}

// printArray writes an array as printJSON does, one element after the other.
func printArray[T, V any](w io.Writer, all iter.Seq2[T, error], view func(T) V) error {
	out := bufio.NewWriter(w)
	before := "[\n  "
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("  ", "  ")
	for v, err := range all {
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		text.Reset()
		if err := enc.Encode(view(v)); err != nil {
			return err
		}
		_, _ = out.WriteString(before) // Flush says what was wrong
		_, _ = out.Write(bytes.TrimSpace(text.Bytes()))
		before = ",\n  "
	}
	end := "\n]\n"
	if before[0] == '[' {
		end = "[]\n"
	}
	_, _ = out.WriteString(end)
	return out.Flush()
}

// progress is a progress bar on a terminal. Elsewhere it prints nothing.
type progress struct {
	w     io.Writer // nil if there is no terminal
	total int64     // bytes; 0 if unknown
	last  time.Time
}

// progress returns a bar on standard error for work on so many bytes; 0 if the amount is unknown.
func (a *app) progress(total int64) *progress {
	if !isTerminal(a.stderr) {
		return &progress{}
	}
	return &progress{w: a.stderr, total: total}
}

const barWidth = 30

// show draws the bar, ten times a second at most.
func (p *progress) show(done int64, text string) {
	if p.w == nil || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last = time.Now()
	if p.total > 0 {
		part := min(1, float64(done)/float64(p.total))
		full := int(part * barWidth)
		text = fmt.Sprintf("[%s%s] %3.0f%%  %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), part*100,
			text)
	}
	// A line that the terminal breaks could not be drawn over.
	if screen := screenWidth(p.w); screen > 0 {
		text = shorten(text, screen-1)
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", text)
}

// clear removes the bar.
func (p *progress) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// stillEvery is how often a command that waits says so where no terminal shows a bar, such as in the log of a job.
const stillEvery = time.Minute

// waiting says for how long work has been going on that does not say how far it is: every second on a terminal, and
// every stillEvery elsewhere. done ends that.
func (a *app) waiting(what string) (done func()) {
	bar, begun := a.progress(0), time.Now()
	every := stillEvery
	if bar.w != nil {
		every = time.Second
		bar.show(0, what+" …")
	}
	ticker, stop := time.NewTicker(every), make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			if text := fmt.Sprintf("%s … %s", what, time.Since(begun).Round(time.Second)); bar.w != nil {
				bar.show(0, text)
			} else {
				fmt.Fprintln(a.stderr, text)
			}
		}
	})
	return func() {
		ticker.Stop()
		close(stop)
		told.Wait()
		bar.clear()
	}
}

// counted counts the bytes that are read through it.
type counted struct {
	io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// maxSecret bounds what is read from standard input.
const maxSecret = 4096

// readSecret reads a secret from standard input, without the line break at its end. what names it in
// errors.
func (a *app) readSecret(ctx context.Context, what string) (string, error) {
	text, err := await(ctx, func() (string, error) {
		b, err := io.ReadAll(io.LimitReader(a.stdin, maxSecret+1))
		return string(b), err
	})
	if err != nil {
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	s := strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case s == "":
		return "", fmt.Errorf("there is no %s on standard input", what)
	case len(text) > maxSecret:
		return "", fmt.Errorf("the %s on standard input is too long", what)
	}
	return s, nil
}

// interactive reports whether standard input is a terminal.
func (a *app) interactive() bool {
	in, ok := a.stdin.(*os.File)
	return ok && term.IsTerminal(int(in.Fd()))
}

// askTwice asks for a secret twice, because the user does not see what they type.
func (a *app) askTwice(ctx context.Context, prompt string) (string, error) {
	fd := int(a.stdin.(*os.File).Fd())
	shown, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	// Also if Ctrl-C ends the wait: otherwise the terminal would show nothing any more.
	defer func() { _ = term.Restore(fd, shown) }()
	ask := func(prompt string) (string, error) {
		fmt.Fprint(a.stderr, prompt+": ")
		defer fmt.Fprintln(a.stderr)
		return await(ctx, func() (string, error) {
			s, err := term.ReadPassword(fd)
			return string(s), err
		})
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

// await waits for a read that cannot be interrupted, or for the end of the context.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		s   string
		err error
	}
	done := make(chan result, 1)
	go func() {
		s, err := read()
		done <- result{s, err}
	}()
	select {
	case r := <-done:
		return r.s, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
