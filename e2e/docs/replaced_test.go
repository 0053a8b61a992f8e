package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	featureRow = regexp.MustCompile(`(?m)^\| (\d+) \|.*\| ([^|]+) \|$`)
	namedTest  = regexp.MustCompile("^`([a-z0-9/]+)\\.(Test[A-Z][A-Za-z0-9]*)`$")
)

// TestFeaturesNameTheirTests reads docs/seeds.md: it has each feature once and in order, and the tests that it names
// are there.
func TestFeaturesNameTheirTests(t *testing.T) {
	t.Parallel()
	const page, features = "docs/seeds.md", 169
	sources := map[string]string{} // of a folder's tests
	tests := func(folder string) string {
		if text, ok := sources[folder]; ok {
			return text
		}
		files, err := filepath.Glob(filepath.Join(root(t), folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.WriteString("\n" + string(text))
		}
		sources[folder] = all.String()
		return all.String()
	}
	rows := featureRow.FindAllStringSubmatch(read(t, page), -1)
	if len(rows) != features {
		t.Errorf("%s has %d features, want %d", page, len(rows), features)
	}
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) {
			t.Fatalf("%s has feature %s in the place of %d", page, row[1], i+1)
		}
		if row[2] == "none" {
			continue
		}
		for name := range strings.SplitSeq(row[2], ", ") {
			m := namedTest.FindStringSubmatch(name)
			if m == nil {
				t.Errorf("feature %s: %s is no folder and test", row[1], name)
			} else if !strings.Contains(tests(m[1]), "\nfunc "+m[2]+"(") {
				t.Errorf("feature %s: %s has no test %s", row[1], m[1], m[2])
			}
		}
	}
}
