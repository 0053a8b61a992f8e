package importing

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// command is the asker of these tests.
var command = people.Asker{
	Tenant: &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant}}, Actor: people.ActorCommand,
}

// memory returns an empty database.
func memory(t *testing.T) *sqldb.Store {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// recorded returns the events, the oldest first. Events of one kind that follow each other are counted.
func recorded(t *testing.T, store *sqldb.Store) string {
	t.Helper()
	all, err := store.Events(t.Context(), storage.DefaultTenant, "", 999)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	last, n := "", 0
	for _, e := range slices.Backward(all) { // they come with the newest first
		if n++; e.Kind != last {
			last, n, kinds = e.Kind, 1, append(kinds, "")
		}
		kinds[len(kinds)-1] = strings.TrimSpace(fmt.Sprint(n, " ", e.Kind, " ", e.Detail["added"]))
	}
	return strings.Join(kinds, ", ")
}

// An import that is killed has recorded that it began, and each user that it added: they did not come from
// nowhere. One that adds no user records nothing.
func TestAnImportIsRecordedBeforeItAddsUsers(t *testing.T) {
	t.Parallel()
	store := memory(t)
	var file strings.Builder
	for i := range batchSize + 1 {
		fmt.Fprintf(&file, "{\"email\":\"user%d@example.com\"}\n", i)
	}
	for _, dry := range []bool{true, false} {
		during := ""
		o := Options{DryRun: dry, Progress: func(Counts) {
			if during == "" {
				during = recorded(t, store)
			}
		}}
		if _, err := Import(t.Context(), store, command, ReadRows(strings.NewReader(file.String()), false), o); err != nil {
			t.Fatal(err)
		}
		wantDuring := fmt.Sprintf("1 users.importing, %d user.added", batchSize)
		want := fmt.Sprintf("1 users.importing, %d user.added, 1 users.imported %[1]d", batchSize+1)
		if dry {
			wantDuring, want = "", ""
		}
		if got := recorded(t, store); during != wantDuring || got != want {
			t.Errorf("dry %t: got %q after the first batch and %q in the end, want %q and %q", dry, during, got,
				wantDuring, want)
		}
	}
}

// Users who are added with others, after others were found to be there, or alone, all have one event. Those who were
// there have none.
func TestEachImportedUserHasAnEvent(t *testing.T) {
	t.Parallel()
	store := memory(t)
	add := func(lines ...string) {
		t.Helper()
		rows := ReadRows(strings.NewReader(strings.Join(lines, "\n")), false)
		if _, err := Import(t.Context(), store, command, rows, Options{AllowRoles: true}); err != nil {
			t.Fatal(err)
		}
	}
	add(`{"email":"there@example.com"}`)
	add(`{"email":"first@example.com"}`, `{"email":"there@example.com"}`,
		`{"email":"phone@example.com","phone_number":"+436601234567","phone_number_verified":true}`,
		`{"email":"admin@example.com","roles":["admin"]}`)
	add(`{"email":"phone@example.com","phone_number":"+436601234567","phone_number_verified":true}`)
	users, err := store.Users(t.Context(), storage.DefaultTenant, "", 99)
	if err != nil || len(users) != 4 {
		t.Fatalf("got %d users, %v, want 4", len(users), err)
	}
	for _, u := range users {
		all, err := store.EventsOf(t.Context(), storage.DefaultTenant, u.ID, "", 9)
		if err != nil || len(all) != 1 || all[0].Kind != storage.EventUserAdded || all[0].Detail["by"] != "import" ||
			all[0].Actor != people.ActorCommand {
			t.Errorf("%s: got the events %+v, %v, want one that says that an import added the user", u.Email, all, err)
		}
	}
}
