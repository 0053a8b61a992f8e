package declare

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Place is where something stands in a file. Lines and columns begin with 1.
type Place struct {
	File         string
	Line, Column int
}

// String returns FILE:LINE:COLUMN.
func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Fault is one thing that is wrong with a setting or a declared record.
type Fault struct {
	Where   string // the setting's name at its source, or FILE:LINE:COLUMN
	Message string // what is wrong, and what to write instead
	line    int    // orders the faults of a file
}

// Faults are all faults of a file or of several settings, so that an operator can correct them in
// one go.
type Faults []Fault

// Add adds a fault of what has a name but no place in a file, such as a variable of the environment.
func (fs *Faults) Add(where, format string, args ...any) {
	*fs = append(*fs, Fault{Where: where, Message: fmt.Sprintf(format, args...)})
}

// At adds a fault at a place in a file.
func (fs *Faults) At(p Place, format string, args ...any) {
	*fs = append(*fs, Fault{p.String(), fmt.Sprintf(format, args...), p.Line})
}

// node adds a fault of a YAML node.
func (fs *Faults) node(file string, n *yaml.Node, format string, args ...any) {
	fs.At(placeOf(file, n), format, args...)
}

// placeOf returns the place of a YAML node.
func placeOf(file string, n *yaml.Node) Place { return Place{file, n.Line, n.Column} }

// yaml adds what the YAML library found.
func (fs *Faults) yaml(file string, err error) {
	var many *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &many):
		for _, e := range many.Errors {
			fs.At(Place{file, e.Mark.Line, e.Mark.Column}, "%s", unquoted(e.Message))
		}
	case errors.As(err, &one):
		fs.At(Place{file, one.Mark.Line, one.Mark.Column}, "%s", unquoted(one.Message))
	default:
		fs.Add(file, "%v", err)
	}
}

// unquoted returns the library's message without the name of an alias: that may be a secret which an
// operator wrote without quotes.
func unquoted(message string) string {
	if strings.HasPrefix(message, "unknown anchor") {
		return "refers to an anchor that doesn't exist: put text that begins with * in quotes"
	}
	return message
}

// Err returns the faults as an error, in the order of the file, or nil when there are none.
func (fs Faults) Err() error {
	if len(fs) == 0 {
		return nil
	}
	slices.SortStableFunc(fs, func(a, b Fault) int { return cmp.Compare(a.line, b.line) })
	return fs
}

// Error returns one line for each fault.
func (fs Faults) Error() string {
	var lines []string
	for _, f := range fs {
		lines = append(lines, f.Where+" "+f.Message)
	}
	return strings.Join(lines, "\n")
}
