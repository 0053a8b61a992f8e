package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

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
