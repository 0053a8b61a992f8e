package migrations

import (
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestEveryStepCountsAndGoesForward(t *testing.T) {
	names, err := fs.Glob(Postgres(), "*")
	if err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n <= last || len(number) != 5 {
			t.Errorf("%s: want a number of five digits that no other step has: %v", name, err)
		}
		last = n
		text, err := fs.ReadFile(SQLite(), name)
		if err != nil {
			t.Fatal(err)
		}
		written, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := words(text), words(written); !slices.Equal(got, want) {
			t.Errorf("%s: the statements that SQLite gets are %q; want those of the file, %q", name, got, want)
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "-- +goose ") && !strings.HasSuffix(line, ";\n") {
				t.Errorf("%s: the line %q is no statement", name, line)
			}
		}
		if regexp.MustCompile(`\+goose Down`).Match(text) {
			t.Errorf("%s can be undone: what was released goes forward", name)
		}
		f, err := Postgres().Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// words returns what a database reads of a step: its words without the comments, and goose's marks.
func words(step []byte) []string {
	comments := regexp.MustCompile(`(?m)--( [^+\n].*| ?)$`)
	return strings.Fields(comments.ReplaceAllString(string(step), ""))
}
