package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// fault is one thing that is wrong with a setting or a declared client.
type fault struct {
	// where is the setting's name at its source, or FILE:LINE:COLUMN.
	where   string
	message string // what is wrong and what to write instead
	line    int    // orders the faults of a file
}

// faults are all that is wrong, so that it can be mended in one go.
type faults []fault

func (fs *faults) add(where, format string, args ...any) {
	*fs = append(*fs, fault{where: where, message: fmt.Sprintf(format, args...)})
}

// at adds a fault of a YAML node.
func (fs *faults) at(file string, n *yaml.Node, format string, args ...any) {
	fs.line(file, n.Line, n.Column, format, args...)
}

func (fs *faults) line(file string, line, column int, format string, args ...any) {
	*fs = append(*fs, fault{fmt.Sprintf("%s:%d:%d", file, line, column), fmt.Sprintf(format, args...), line})
}

// yaml adds what the YAML library found.
func (fs *faults) yaml(file string, err error) {
	var many *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &many):
		for _, e := range many.Errors {
			fs.line(file, e.Mark.Line, e.Mark.Column, "%s", unquoted(e.Message))
		}
	case errors.As(err, &one):
		fs.line(file, one.Mark.Line, one.Mark.Column, "%s", unquoted(one.Message))
	default:
		fs.add(file, "%v", err)
	}
}

// unquoted is the library's message without the name of an alias: it may be a secret, which
// somebody wrote without quotes.
func unquoted(message string) string {
	if strings.HasPrefix(message, "unknown anchor") {
		return "stands for something that is nowhere: put what begins with * in quotes"
	}
	return message
}

// err is the faults as an error, in the order of the file; nil when there are none.
func (fs faults) err() error {
	if len(fs) == 0 {
		return nil
	}
	slices.SortStableFunc(fs, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	return fs
}

// Error is one line for each fault.
func (fs faults) Error() string {
	var lines []string
	for _, f := range fs {
		lines = append(lines, f.where+" "+f.message)
	}
	return strings.Join(lines, "\n")
}
