package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"

	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/storage"
)

func allUsers(ctx context.Context, store storage.Users, tenant string) iter.Seq2[storage.User, error] {
	return listing.All(func(after string) ([]storage.User, error) { return store.Users(ctx, tenant, after, listing.PageSize) },
		func(u storage.User) string { return u.ID })
}

// pageFlags choose a part of a list. Lists are printed as they are read, so that a long one
// needs no more memory than a short one.
type pageFlags struct {
	Limit int    `help:"Print at most this many." placeholder:"N"`
	After string `help:"Begin after this id, such as the last one printed." placeholder:"ID"`
}

// some are those of a list that the flags choose.
func some[T any](c pageFlags, page func(after string) ([]T, error), id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := 0
		for v, err := range listing.All(func(after string) ([]T, error) {
			if after == "" {
				after = c.After
			}
			return page(after)
		}, id) {
			if n++; c.Limit > 0 && n > c.Limit {
				return
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// printList prints a list as JSON, or as a table of the columns with the cells of each.
func printList[T, V any](a *app, asJSON bool, all iter.Seq2[T, error], view func(T) V, columns []string, cells func(V) []string) error {
	if asJSON {
		return printArray(a.stdout, all, view)
	}
	t := a.table(columns...)
	for v, err := range all {
		if err != nil {
			return errors.Join(t.flush(), err)
		}
		t.row(cells(view(v))...)
	}
	return t.flush()
}

// printArray writes an array as printJSON does, one element after the other.
func printArray[T, V any](w io.Writer, all iter.Seq2[T, error], view func(T) V) error {
	out := bufio.NewWriter(w)
	before := "[\n  "
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("  ", "  ")
	for v, err := range all {
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		text.Reset()
		if err := enc.Encode(view(v)); err != nil {
			return err
		}
		_, _ = out.WriteString(before) // Flush says what was wrong
		_, _ = out.Write(bytes.TrimSpace(text.Bytes()))
		before = ",\n  "
	}
	end := "\n]\n"
	if before[0] == '[' {
		end = "[]\n"
	}
	_, _ = out.WriteString(end)
	return out.Flush()
}
