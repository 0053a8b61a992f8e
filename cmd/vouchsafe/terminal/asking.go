package terminal

import (
	"bufio"
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

// ReadSecret reads a secret from standard input, without the line break at its end. what names it in
// errors.
func (t *Terminal) ReadSecret(ctx context.Context, what string) (string, error) {
	text, err := await(ctx, func() (string, error) {
		b, err := io.ReadAll(io.LimitReader(t.In, maxSecret+1))
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

// ErrCannotAsk says that Confirm has no terminal on which to ask.
var ErrCannotAsk = errors.New("there is no terminal on which to ask for confirmation")

// Confirm asks the user whether to go on. loss is a sentence about what is lost. It returns nil only if the user
// agrees. Without a terminal it returns ErrCannotAsk: a script must not wait for an answer.
func (t *Terminal) Confirm(ctx context.Context, loss string) error {
	if !t.Interactive() || !Is(t.Err) {
		return ErrCannotAsk
	}
	fmt.Fprintf(t.Err, "%s\nContinue? [y/N] ", Printable(loss))
	answer, err := await(ctx, func() (string, error) { return bufio.NewReader(t.In).ReadString('\n') })
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was changed")
}

// AskTwice asks for a secret twice, because the user does not see what they type.
func (t *Terminal) AskTwice(ctx context.Context, prompt string) (string, error) {
	fd := int(t.In.(*os.File).Fd())
	shown, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	// Also if Ctrl-C ends the wait: otherwise the terminal would show nothing any more.
	defer func() { _ = term.Restore(fd, shown) }()
	ask := func(prompt string) (string, error) {
		fmt.Fprint(t.Err, prompt+": ")
		defer fmt.Fprintln(t.Err)
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
