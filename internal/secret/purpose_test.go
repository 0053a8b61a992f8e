package secret

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// declared returns the names of the purposes from the source code, in the order of purposes.
func declared(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "purpose.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range file.Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.CONST {
			for _, spec := range d.Specs {
				names = append(names, spec.(*ast.ValueSpec).Names[0].Name)
			}
		}
	}
	return names
}

// TestPurposes reads the code of the module: each purpose has a name of its own, each call of Box
// names one of them, and only one package uses it.
func TestPurposes(t *testing.T) {
	names := declared(t)
	if len(names) != len(purposes) {
		t.Fatalf("%d constants, %d names", len(names), len(purposes))
	}
	seen := map[string]bool{"": true}
	for i, p := range purposes[1:] {
		if seen[p.name] {
			t.Errorf("%s: the name %q is another purpose's, or none", names[i+1], p.name)
		}
		seen[p.name] = true
	}
	users := usersOfBoxes(t, names)
	for _, name := range names[1:] {
		switch packages := users[name]; {
		case len(packages) == 0:
			t.Errorf("%s is used nowhere", name)
		case len(packages) > 1 && !slices.Contains(sharedPurposes, name):
			t.Errorf("%s is used by %v: what one makes, the other would take", name, packages)
		}
	}
}

// sharedPurposes are used by two packages for the same value: the command line and the tenants file
// seal what the pages open.
var sharedPurposes = []string{"UpstreamSecret"}

// usersOfBoxes returns the packages that call Box, by the purpose that they name. Package reseal,
// which opens the values of all of them, is left out.
func usersOfBoxes(t *testing.T, names []string) map[string][]string {
	t.Helper()
	users := map[string][]string{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return fs.SkipDir
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.HasSuffix(dir, "internal/secret") || strings.HasSuffix(dir, "internal/reseal") {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "Box" {
				return true
			}
			purpose, ok := call.Args[1].(*ast.SelectorExpr)
			if !ok || !slices.Contains(names, purpose.Sel.Name) {
				t.Errorf("%s: a Box whose purpose is no constant of this package", files.Position(call.Pos()))
				return true
			}
			if by := users[purpose.Sel.Name]; !slices.Contains(by, dir) {
				users[purpose.Sel.Name] = append(by, dir)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return users
}
