// Package golden compares files with what tests say they have to be. With the flag -update, which it
// gives to tests, it writes the files instead.
package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

// Check compares the file with what want returns. want gets what the file is now; "" if it is missing.
func Check(t *testing.T, path string, want func(is string) string) {
	t.Helper()
	is, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	diff := cmp.Diff(want(string(is)), string(is))
	switch {
	case diff == "":
	case !*update:
		t.Errorf("go test -run %s -update mends %s:\n%s", t.Name(), path, diff)
	default:
		if err := os.WriteFile(path, []byte(want(string(is))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
