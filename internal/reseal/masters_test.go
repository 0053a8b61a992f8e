package reseal

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// What a given or a needed secret is good for follows from what the database and the operator say.
func TestStates(t *testing.T) {
	t.Parallel()
	at := time.Now()
	known := []storage.MasterSecret{{Fingerprint: "old", SealedAt: at}, {Fingerprint: "lost", SealedAt: at}}
	got := ""
	for _, m := range States(known, []string{"new", "old", "spare"}) {
		got += fmt.Sprintf("%s: %s, %t\n", m.Fingerprint, m.State, m.SealedAt != nil)
	}
	want := "new: seals, false\nold: opens, true\nspare: given, not needed, false\nlost: missing, true\n"
	if got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

// A server begins to seal only if it can open what was sealed before it.
func TestASecretThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	if err := Begin(ctx, s, []string{"old", "spare"}); err != nil { // of a new database all are recorded
		t.Fatal(err)
	}
	var missing *MissingError
	if err := Begin(ctx, s, []string{"new", "old"}); !errors.As(err, &missing) ||
		fmt.Sprint(missing.Fingerprints) != "[spare]" {
		t.Errorf("got %v, want that spare is missing", err)
	}
	if err := Begin(ctx, s, []string{"new", "spare", "old"}); err != nil {
		t.Error(err)
	}
	others, err := Others(ctx, s, []string{"new", "spare", "stranger"})
	if err != nil || len(others) != 1 || others[0].Fingerprint != "spare" {
		t.Errorf("got %v, %v, want the one that is given and needed", others, err)
	}
}
