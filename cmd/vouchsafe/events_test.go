package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/golden"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestEventKindsAreConstants walks the code of the module. A kind of event stands in it as a constant
// of package storage, never as a string: so a misspelt kind does not compile, and storage.EventKinds
// knows every kind that is recorded.
func TestEventKindsAreConstants(t *testing.T) {
	t.Parallel()
	events := 0
	for _, path := range moduleFiles(t, ".go") {
		if strings.HasSuffix(path, "_test.go") || path == "storage/event.go" {
			continue
		}
		if strings.HasPrefix(path, "e2e/") || strings.HasPrefix(path, "storage/storagetest/") {
			continue // they are tests, and make up kinds
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join("../..", path), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				return !looksUpText(n)
			case *ast.BasicLit:
				if kind, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && isEventKind(kind) {
					t.Errorf("%s: write the constant for the kind of event %s", set.Position(n.Pos()), n.Value)
				}
			case *ast.CompositeLit:
				if kind := kindOfEvent(n); kind != nil {
					events++
					if !isConstantOrVariable(kind) {
						t.Errorf("%s: the kind of an event is put together here: use a constant", set.Position(kind.Pos()))
					}
				}
			}
			return true
		})
	}
	if events < 40 {
		t.Errorf("found %d events in the code, want 40 at least: does the test look for them rightly?", events)
	}
}

func isEventKind(s string) bool {
	return slices.ContainsFunc(storage.EventKinds, func(k storage.EventKind) bool { return k.Kind == s })
}

// looksUpText reports whether a call looks up a text for users by its id. Some ids look like kinds.
func looksUpText(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "must" || sel.Sel.Name == "Must")
}

// kindOfEvent returns what a storage.Event literal has as its Kind, or nil.
func kindOfEvent(lit *ast.CompositeLit) ast.Expr {
	sel, ok := lit.Type.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Event" {
		return nil
	}
	for _, field := range lit.Elts {
		if kv, ok := field.(*ast.KeyValueExpr); ok {
			if name, ok := kv.Key.(*ast.Ident); ok && name.Name == "Kind" {
				return kv.Value
			}
		}
	}
	return nil
}

func isConstantOrVariable(e ast.Expr) bool {
	switch e.(type) {
	case *ast.SelectorExpr, *ast.Ident, *ast.IndexExpr:
		return true
	}
	return false
}

// eventsPage is docs/events.md.
func eventsPage() string {
	var b strings.Builder
	b.WriteString(`# Events

The audit trail has these kinds of events. ` + "`vouchsafe audit export --kind KIND`" + ` writes those of one kind, and
the setting ` + "`keep_events_of`" + ` says how long they are kept.

| kind | about | |
|---|---|---|
`)
	for _, k := range storage.EventKinds {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Kind, k.Subject, cell(k.Meaning))
	}
	return b.String()
}

var quotedKind = regexp.MustCompile("`([a-z]+\\.[a-z]+)`")

// TestDocumentsKnowEventKinds: docs/events.md has them all, and a page for operators or users that
// quotes a kind quotes one that exists.
func TestDocumentsKnowEventKinds(t *testing.T) {
	t.Parallel()
	golden.Check(t, "../../docs/events.md", func(string) string { return eventsPage() })
	subjects := map[string]bool{}
	for _, k := range storage.EventKinds {
		subject, _, _ := strings.Cut(k.Kind, ".")
		subjects[subject] = true
	}
	for _, path := range moduleFiles(t, ".md") {
		// Pages about libraries quote the libraries' own names, and the one about claims what rules may name.
		if !strings.HasPrefix(path, "docs/") || strings.HasPrefix(path, "docs/clients-") || path == "docs/claims.md" {
			continue
		}
		text, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quotedKind.FindAllStringSubmatch(string(text), -1) {
			if subject, _, _ := strings.Cut(m[1], "."); subjects[subject] && !isEventKind(m[1]) {
				t.Errorf("%s names the kind of event %s, which does not exist", path, m[1])
			}
		}
	}
}

// moduleFiles lists the module's files with this ending, by their paths below its root.
func moduleFiles(t *testing.T, ending string) []string {
	t.Helper()
	var all []string
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case strings.HasSuffix(path, ending):
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
