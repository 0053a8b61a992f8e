package main

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mostEntered is how many files a password reset may enter from its pages to the store, but for the layout that all
// pages share.
const mostEntered = 12

// TestAPasswordResetEntersFewFiles follows a password reset from its pages: a reader who wants to understand it opens
// these files. The functions of a door call use cases, so that both are followed in their own packages.
func TestAPasswordResetEntersFewFiles(t *testing.T) {
	t.Parallel()
	pages := filesEntered(t, "../../login/reset", "forgotPage", "forgotPosted", "resetPage", "resetPosted")
	useCases := filesEntered(t, "../../people", "OffersReset", "StartReset", "ResendReset", "OpenReset", "ConfirmReset")
	all := slices.Concat(pages, useCases)
	if len(pages) == 0 || !slices.Contains(useCases, "reset.go") {
		t.Errorf("got %v: does the test still find them?", all)
	}
	if len(all) > mostEntered {
		t.Errorf("a password reset enters %d files, want %d at most: %s", len(all), mostEntered, strings.Join(all, " "))
	}
}

// filesEntered returns the files of a package that functions and methods enter, by what they refer to in the package
// themselves or through others. Imported packages are not read, as in usesOfFiles.
func filesEntered(t *testing.T, dir string, starts ...string) []string {
	t.Helper()
	pkg, err := build.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: nothing{}, Error: func(error) {}}
	checked, _ := conf.Check(dir, fset, parsed, info) // its errors are about what nothing imports
	bodies := map[types.Object]*ast.FuncDecl{}
	var waiting []types.Object
	for _, f := range parsed {
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				bodies[info.Defs[d.Name]] = d
				if slices.Contains(starts, d.Name.Name) {
					waiting = append(waiting, info.Defs[d.Name])
				}
			}
		}
	}
	if len(waiting) < len(starts) {
		t.Errorf("%s: found %d of %v", dir, len(waiting), starts)
	}
	seen, files := map[types.Object]bool{}, map[string]bool{}
	for len(waiting) > 0 {
		f := waiting[0]
		if waiting = waiting[1:]; seen[f] || bodies[f] == nil {
			continue
		}
		seen[f], files[filepath.Base(fset.Position(f.Pos()).Filename)] = true, true
		ast.Inspect(bodies[f], func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && info.Uses[id] != nil && info.Uses[id].Pkg() == checked {
				waiting = append(waiting, info.Uses[id])
			}
			return true
		})
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
