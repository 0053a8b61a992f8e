package admin_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/internal/golden"
)

// TestOperationIDsStay compares the ids of all operations with a list. Programs that were generated from the document
// call operations by these names: an id that changes or goes breaks them. To add an operation, or to take one away on
// purpose, run the test with -update, and write the latter into CHANGELOG.md as a behaviour change.
func TestOperationIDsStay(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, route := range admin.Routes() {
		ids = append(ids, route.ID+" "+route.Method+" "+route.Path)
	}
	slices.Sort(ids)
	golden.Check(t, "testdata/operations.txt", func(string) string { return strings.Join(ids, "\n") + "\n" })
}
