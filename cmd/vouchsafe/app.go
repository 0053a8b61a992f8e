package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
)

// version is set by the linker: see scripts/build.
var version = "development"

// app is what commands share: where they read, write and find their settings.
type app struct {
	terminal.Terminal
	environ    []string
	flags      map[string]string // settings given as flags, by their names
	configFile string
	read       *settings.Config // nil until config has read them
	parser     *kong.Kong       // for completion and help
	named      bool             // whether the user knows which database the command works on
}

// tenantFlag names the tenant that a command is about.
type tenantFlag struct {
	Tenant string `help:"The tenant to act on." default:"default" placeholder:"ID" complete:"tenant"`
}

// placeFlags say where a command works: at a tenant of the database, or of a server.
type placeFlags struct {
	tenantFlag
	serverFlag
}

// serverFlag is of every command that can work at a server.
type serverFlag struct {
	Server string `help:"Work at the server with this issuer, by its management API, instead of on the database." placeholder:"URL"`
}

// place is where a command about all tenants works: at the default one.
func (f serverFlag) place() placeFlags { return placeFlags{tenantFlag{storage.DefaultTenant}, f} }

// jsonFlag is of every command that prints something a script may read.
type jsonFlag struct {
	JSON bool `name:"json" help:"Print JSON, for scripts."`
}

// pageFlags choose a part of a list. Lists are printed while they are read, so that a long list needs no
// more memory than a short one.
type pageFlags struct {
	Limit int    `help:"Print at most this many." placeholder:"N"`
	After string `help:"Begin after this id, such as the last one printed." placeholder:"ID" complete:"listed"`
}

// every returns a list as an iterator.
func every[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// same returns what it is given: the view of a list that is printed as it is.
func same[T any](v T) T { return v }

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
	loss = fmt.Sprintf(loss, args...)
	err := a.Confirm(ctx, loss)
	if errors.Is(err, terminal.ErrCannotAsk) {
		return misused("%s\nPass --yes to confirm", terminal.Printable(loss))
	}
	return err
}

// diffFlags are those of a command that shows what apply would change.
type diffFlags struct {
	ExitCode bool `help:"Exit with 3 if there are changes."`
}

// outcome returns the exit code that tells a script whether there are changes, if it asked for that.
func (f diffFlags) outcome(changes int) error {
	if f.ExitCode && changes > 0 {
		return exitCode(exitChanges)
	}
	return nil
}

// Help says what scripts rely on.
func (diffFlags) Help() string {
	return "It changes nothing. Exit codes: 0, also if there are changes; with --exit-code 3 if there are changes; 1 if " +
		"the file has faults or the database cannot be read; 2 if the command line is faulty."
}

// Exit codes of failures.
const (
	exitFailure     = 1
	exitUsage       = 2   // the command line is faulty
	exitChanges     = 3   // diff --exit-code: apply would change something
	exitInterrupted = 130 // as shells report a program that Ctrl-C ended
)

// exitCode is an error that ends the program with a code and without a message.
type exitCode int

// Error implements error. Its text is never shown.
func (e exitCode) Error() string { return "exit " + strconv.Itoa(int(e)) }

// usageError is a fault of the command line.
type usageError struct{ message string }

// Error implements error.
func (e *usageError) Error() string { return e.message }

// misused returns a usageError.
func misused(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// complain prints the error, and returns the exit code that goes with it.
func (a *app) complain(ctx context.Context, err error) int {
	if quiet, ok := errors.AsType[exitCode](err); ok {
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

// helpCmd is --help as a command, as other programs have it.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command, such as user add."`
}

// Run prints the help of the command that the words name, or of the program.
func (c *helpCmd) Run(a *app) error {
	node := a.parser.Model.Node
	for _, word := range c.Command {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word })
		if i < 0 {
			return misused("there is no command %q: see vouchsafe help", strings.Join(c.Command, " "))
		}
		node = node.Children[i]
	}
	_, err := a.parser.Parse(append(slices.Clone(c.Command), "--help"))
	return err
}
