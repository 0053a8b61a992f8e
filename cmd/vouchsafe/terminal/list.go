package terminal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
)

// PrintList prints a list as JSON, or as a table of the columns with the cells of each.
func PrintList[T, V any](t *Terminal, asJSON bool, all iter.Seq2[T, error], view func(T) V, columns []string,
	cells func(V) []string,
) error {
	if asJSON {
		return printArray(t.Out, all, view)
	}
	table := t.Table(columns...)
	for v, err := range all {
		if err != nil {
			return errors.Join(table.Flush(), err)
		}
		table.Row(cells(view(v))...)
	}
	return table.Flush()
}

// printArray writes an array as PrintJSON does, one element after the other.
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
		_, _ = out.Write(escaped(bytes.TrimSpace(text.Bytes())))
		before = ",\n  "
	}
	end := "\n]\n"
	if before[0] == '[' {
		end = "[]\n"
	}
	_, _ = out.WriteString(end)
	return out.Flush()
}
