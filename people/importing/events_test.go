package importing

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// An import that is killed has recorded that it began: its users did not come from nowhere. One that adds no
// user records nothing.
func TestAnImportIsRecordedBeforeItAddsUsers(t *testing.T) {
	t.Parallel()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	recorded := func() string {
		t.Helper()
		all, err := store.Events(t.Context(), storage.DefaultTenant, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, e := range all { // the newest first
			kinds = append([]string{strings.TrimSpace(e.Kind + " " + e.Detail["added"])}, kinds...)
		}
		return strings.Join(kinds, ", ")
	}
	asker := people.Asker{
		Tenant: &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant}}, Actor: people.ActorCommand,
	}
	var file strings.Builder
	for i := range batchSize + 1 {
		fmt.Fprintf(&file, "{\"email\":\"user%d@example.com\"}\n", i)
	}
	for _, dry := range []bool{true, false} {
		during := ""
		o := Options{DryRun: dry, Progress: func(Counts) {
			if during == "" {
				during = recorded()
			}
		}}
		if _, err := Import(t.Context(), store, asker, ReadRows(strings.NewReader(file.String()), false), o); err != nil {
			t.Fatal(err)
		}
		wantDuring, want := "users.importing", fmt.Sprint("users.importing, users.imported ", batchSize+1)
		if dry {
			wantDuring, want = "", ""
		}
		if during != wantDuring || recorded() != want {
			t.Errorf("dry %t: got %q after the first batch and %q in the end, want %q and %q", dry, during, recorded(),
				wantDuring, want)
		}
	}
}
