package api

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/api.md anew")

const apiPage = "../../docs/api.md"

// TestTheReferenceIsOfTheCode compares docs/api.md with what the routes say.
func TestTheReferenceIsOfTheCode(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- Made from the OpenAPI document by a test -->\n\n", "<!-- End -->"
	is, err := os.ReadFile(apiPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(is), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/api.md has no place for the reference")
	}
	want := before + begin + Reference("").Markdown(appFields{}, outcomes(commonProblems, appProblems)) +
		"\n### Codes of fields\n\n" + fieldCodeTable() + "\n" + end + after
	switch diff := cmp.Diff(want, string(is)); {
	case diff == "":
	case *update:
		if err := os.WriteFile(apiPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("go test ./login/api -run %s -update mends it:\n%s", t.Name(), diff)
	}
}
