package migrations

import (
	"io/fs"
	"regexp"
	"testing"
)

func TestEveryStepCountsAndGoesForward(t *testing.T) {
	names, err := fs.Glob(Postgres(), "*")
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(names)) != Latest() {
		t.Errorf("got %d steps, want %d: one for each number", len(names), Latest())
	}
	for _, name := range names {
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
