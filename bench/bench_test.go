package main

import (
	"os"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
)

// TestMain serves the floor where a benchmark starts this program again for it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == floorCommand {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestOperationsCanBeMeasured prepares a server, fills its database, and measures a few requests of
// each operation beside its floor. Every answer is checked.
func TestOperationsCanBeMeasured(t *testing.T) {
	program, err := buildtest.Build(false)
	if err != nil {
		t.Fatal(err)
	}
	o := options{program: program, span: 50 * time.Millisecond, workers: 1, fill: 10}
	if err := measure(t.Context(), o, "sqlite"); err != nil {
		t.Fatal(err)
	}
	if err := measureLists(t.Context(), o, "sqlite"); err != nil {
		t.Fatal(err)
	}
	if err := measureConsole(t.Context(), o, "sqlite"); err != nil {
		t.Fatal(err)
	}
}
