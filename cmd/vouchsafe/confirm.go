package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// yesFlag is a flag of commands after which something is lost.
type yesFlag struct {
	Yes bool `help:"Do not ask for confirmation. Without a terminal the command needs this."`
}

// confirm asks the user at the terminal whether to go on, unless --yes has said so. loss is a sentence about
// what is lost. Without a terminal it returns an error: a script must not wait for an answer.
func (a *app) confirm(ctx context.Context, yes yesFlag, loss string, args ...any) error {
	if yes.Yes {
		return nil
	}
	loss = printable(fmt.Sprintf(loss, args...))
	if !a.interactive() || !isTerminal(a.stderr) {
		return misused("%s\nPass --yes to confirm", loss)
	}
	fmt.Fprintf(a.stderr, "%s\nContinue? [y/N] ", loss)
	answer, err := await(ctx, func() (string, error) { return bufio.NewReader(a.stdin).ReadString('\n') })
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was changed")
}

// isTerminal reports whether what is written to w is shown on a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
