package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

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
		fmt.Fprintln(a.Err, "vouchsafe:", line)
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
