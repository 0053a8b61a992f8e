package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/storage"
)

// DiffFlags are those of a command that shows what apply would change.
type DiffFlags struct {
	ExitCode bool `help:"Exit with 3 if there are changes."`
}

// Outcome returns the exit code that tells a script whether there are changes, if it asked for that.
func (f DiffFlags) Outcome(changes int) error {
	if f.ExitCode && changes > 0 {
		return ExitCode(ExitChanges)
	}
	return nil
}

// Help says what scripts rely on.
func (DiffFlags) Help() string {
	return "It changes nothing. Exit codes: 0, also if there are changes; with --exit-code 3 if there are changes; 1 if " +
		"the file has faults or the database cannot be read; 2 if the command line is faulty."
}

// Exit codes of failures.
const (
	exitFailure     = 1
	exitUsage       = 2   // the command line is faulty
	ExitChanges     = 3   // diff --exit-code: apply would change something
	exitInterrupted = 130 // as shells report a program that Ctrl-C ended
)

// ExitCode is an error that ends the program with a code and without a message.
type ExitCode int

// Error implements error. Its text is never shown.
func (e ExitCode) Error() string { return "exit " + strconv.Itoa(int(e)) }

// usageError is a fault of the command line.
type usageError struct{ message string }

// Error implements error.
func (e *usageError) Error() string { return e.message }

// Misused returns a usageError.
func Misused(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// Complain prints the error, and returns the exit code that goes with it.
func (a *App) Complain(ctx context.Context, err error) int {
	if quiet, ok := errors.AsType[ExitCode](err); ok {
		return int(quiet)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(a.Err, "vouchsafe: interrupted")
		return exitInterrupted
	}
	text := strings.ReplaceAll(err.Error(), `expected string value but got "EOL" (<EOL>)`, "the value is missing")
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(a.Err, "vouchsafe:", terminal.Printable(line)) // it may quote a server
	}
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		fmt.Fprintf(a.Err, "See %s --help\n", parsedCommand(parse.Context))
		return exitUsage
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailure
}

// parsedCommand returns the command that a faulty command line begins with.
func parsedCommand(c *kong.Context) string {
	words := []string{"vouchsafe"}
	if c != nil {
		for _, p := range c.Path {
			if p.Command != nil && slices.Contains(c.Args, p.Command.Name) {
				words = append(words, p.Command.Name)
			}
		}
	}
	return strings.Join(words, " ")
}

// errNoData goes on with the folder.
var errNoData = errors.New("there is no data at")

// RightFile returns the error of a command about a file that was found right. It says so where there is no database.
func RightFile(file string, err error) error {
	if errors.Is(err, errNoData) {
		return fmt.Errorf("%s has no faults, but there is no database to compare it with: %w", file, err)
	}
	return err
}

// NoSuch returns err; in the place of storage.ErrNotFound it returns an error that names what was not found.
func NoSuch(err error, kind, name string) error {
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("there is no %s %q", kind, name)
	}
	return err
}

// HasTenant returns an error if there is no tenant with the id.
func HasTenant(ctx context.Context, s installation.Store, id string) error {
	_, err := s.Tenant(ctx, id)
	return NoSuch(err, "tenant", id)
}
