// Package fault holds what is wrong with an entry: all of it at once, so that a user or a program can correct it in one
// go. What a single fault is, and how it is said, is for the package that looks for it.
package fault

import "strings"

// List is all that is wrong with an entry.
type List[F error] []F

// Error returns a line for each fault.
func (l List[F]) Error() string {
	lines := make([]string, len(l))
	for i, f := range l {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each fault.
func (l List[F]) Unwrap() []error {
	all := make([]error, len(l))
	for i, f := range l {
		all[i] = f
	}
	return all
}

// Err returns the faults as an error, or nil if there are none.
func (l List[F]) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}
