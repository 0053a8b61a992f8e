package people_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/jobs"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestTheImportInChromium: its pages have no barriers and fit into a phone, from right to left, too. A script shows how
// far the server is, without loading the page again, and then what became of it.
func TestTheImportInChromium(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	w := s.Walker(chromiumtest.New(t), "an owner", true)
	b.In(w.Ctx)
	look := func(name string) {
		t.Helper()
		chromiumtest.Accessible(t, w.Ctx, name)
		for _, phone := range []bool{false, true} {
			w.Screen(phone)
			w.Open(w.At())
			if dir := os.Getenv("WALK_SCREENSHOTS"); dir != "" {
				w.Screenshot(filepath.Join(dir, name+map[bool]string{true: "-phone"}[phone]+".png"))
			}
			if got := w.Overflow(); got != "" {
				t.Errorf("%s is wider than the window: %s", name, got)
			}
			w.Mirror()
			if got := w.Overflow(); got != "" {
				t.Errorf("%s from right to left is wider than the window: %s", name, got)
			}
		}
		w.Screen(false)
		w.Open(w.At())
	}
	w.Open(importPath)
	look("import")
	w.Unfold("Paste rows instead")
	w.Type("Rows", "email\nada@default.example\nnot an address but a text that is far too long to be one\n")
	w.Click("Check", "Rows")
	w.Awaits("Checked: waits for you")
	w.Says("Add 1 person", "Line 3:")
	look("import-checked")
	latest, err := s.Store.ImportsOf(t.Context(), storage.DefaultTenant, 1)
	if err != nil || len(latest) != 1 {
		t.Fatalf("got %v, %v", latest, err)
	}
	// As if another server added people now.
	var n jobs.Note
	if err := json.Unmarshal(latest[0].Data, &n); err != nil {
		t.Fatal(err)
	}
	n.Bytes, n.Read, n.Made = 50<<20, 21<<20, importing.Counts{Added: 41_984, There: 12, Refused: 4}
	busy := latest[0]
	busy.State, busy.Runner, busy.LeaseEnds = storage.ImportAdding, "another", time.Now().Add(10*time.Minute)
	if busy.Data, err = json.Marshal(n); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.ChangeImport(t.Context(), latest[0], busy); err != nil {
		t.Fatal(err)
	}
	w.Open(w.At())
	w.Says("People are being added", "42 % of the file")
	look("import-adding")
	done := busy
	done.State = storage.ImportDone
	if err := s.Store.ChangeImport(t.Context(), busy, done); err != nil {
		t.Fatal(err)
	}
	w.Awaits("Import another file")
	w.Says("Done")
	look("import-done")
}
