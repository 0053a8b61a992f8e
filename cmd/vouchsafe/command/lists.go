package command

import (
	"iter"
)

// PageFlags choose a part of a list. Lists are printed while they are read, so that a long list needs no
// more memory than a short one.
type PageFlags struct {
	Limit int    `help:"Print at most this many." placeholder:"N"`
	After string `help:"Begin after this id, such as the last one printed." placeholder:"ID" complete:"listed"`
}

// Every returns a list as an iterator.
func Every[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Same returns what it is given: the view of a list that is printed as it is.
func Same[T any](v T) T { return v }

// Matching returns the elements of a list that match, and errors.
func Matching[T any](all iter.Seq2[T, error], matches func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range all {
			if (err != nil || matches(v)) && !yield(v, err) {
				return
			}
		}
	}
}

// First returns at most limit elements of a list; all if limit is 0.
func First[T any](limit int, all iter.Seq2[T, error]) iter.Seq2[T, error] {
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
