package migrations

import (
	"io/fs"
	"regexp"
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
