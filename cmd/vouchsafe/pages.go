package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// pageSize is how many records are read at a time.
const pageSize = 200

// longestPause bounds the rest behind a page: its reader may have been slow.
const longestPause = 100 * time.Millisecond

// listing walks all records of a list that storage gives page by page. It rests behind each.
func listing[T any](page func(after string) ([]T, error), id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := ""; ; {
			began := time.Now()
			some, err := page(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range some {
				if !yield(v, nil) {
					return
				}
				after = id(v)
			}
			if len(some) < pageSize {
				return
			}
			rest(began)
		}
	}
}

// rest waits for as long as a page took that was begun then, with all that was done with it: a
// command that reads a million rows leaves half of its core, and of the database, to users who
// sign in.
func rest(began time.Time) { time.Sleep(min(time.Since(began), longestPause)) }

func allClients(ctx context.Context, store storage.Clients, tenant string) iter.Seq2[storage.Client, error] {
	return listing(func(after string) ([]storage.Client, error) { return store.Clients(ctx, tenant, after, pageSize) },
		func(c storage.Client) string { return c.ClientID })
}

func allUsers(ctx context.Context, store storage.Users, tenant string) iter.Seq2[storage.User, error] {
	return listing(func(after string) ([]storage.User, error) { return store.Users(ctx, tenant, after, pageSize) },
		func(u storage.User) string { return u.ID })
}

func allTenants(ctx context.Context, store storage.Tenants) iter.Seq2[storage.Tenant, error] {
	return listing(func(after string) ([]storage.Tenant, error) { return store.Tenants(ctx, after, pageSize) },
		func(t storage.Tenant) string { return t.ID })
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
		for v, err := range listing(func(after string) ([]T, error) {
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
