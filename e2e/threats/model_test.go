package threats

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// last is the number of the last row of each letter of the threat model.
var last = map[string]int{
	"A": 19, "B": 7, "C": 11, "D": 16, "E": 10, "F": 9, "G": 21, "H": 27, "I": 15, "J": 12, "K": 12, "L": 10, "M": 11,
	"N": 14, "O": 5, "P": 14, "Q": 9, "R": 13, "S": 10, "T": 8, "V": 13, "W": 49, "X": 25,
	"U": 9, "Y": 8, "Z": 10,
}

// unshown are rows that no test shows from outside.
var unshown []string

var (
	modelRow = regexp.MustCompile(`(?m)^\| ([A-Z]\d+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$`)
	rowID    = regexp.MustCompile(`\b[A-Z]\d+\b`)
)

// TestThreatModel compares docs/threats.md with the tests: each attack has a row, and each row has
// a test that exists.
func TestThreatModel(t *testing.T) {
	text, err := os.ReadFile("../../docs/threats.md")
	if err != nil {
		t.Fatal(err)
	}
	attacked := map[string]bool{}
	for _, r := range rows() {
		for _, id := range rowID.FindAllString(r.id, -1) {
			attacked[id] = true
		}
	}
	shown := map[string]string{}
	for _, m := range modelRow.FindAllStringSubmatch(string(text), -1) {
		if _, twice := shown[m[1]]; twice {
			t.Errorf("docs/threats.md has %s twice", m[1])
		}
		shown[m[1]] = m[2]
	}
	for letter, n := range last {
		for i := range n {
			id := fmt.Sprint(letter, i+1)
			by, ok := shown[id]
			delete(shown, id)
			switch {
			case !ok:
				t.Errorf("docs/threats.md has no row %s", id)
			case (by == "—") != slices.Contains(unshown, id):
				t.Errorf("%s: shown by %s, which the list of rows that are not shown denies", id, by)
			case attacked[id] && !strings.Contains(by, "`threats`"):
				t.Errorf("%s has a test here, and docs/threats.md does not say so", id)
			}
			for _, name := range strings.Fields(strings.NewReplacer("`", " ", "—", "").Replace(by)) {
				if name == "threats" && !attacked[id] || name != "threats" && !exists(t, name) {
					t.Errorf("%s: there is no test %s", id, name)
				}
			}
		}
	}
	for id := range shown {
		t.Errorf("docs/threats.md has a row %s that is not counted", id)
	}
}

// exists reports whether there is a file of that name, or a test by package and name.
func exists(t *testing.T, name string) bool {
	t.Helper()
	pkg, test, isTest := strings.Cut(name, ".")
	if !isTest {
		_, err := os.Stat(filepath.Join("../..", name))
		return err == nil
	}
	for _, dir := range []string{"..", "../../compat", "../../internal", "../../login", "../../people",
		"../../people/upstream", "../../provider",
		"../../storage", "../.."} {
		files, err := filepath.Glob(filepath.Join(dir, pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "\nfunc "+test+"(") {
				return true
			}
		}
	}
	return false
}
