package main

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	// smallCycle is a number of files that may refer to each other in any package: so few are read together.
	smallCycle = 3
	// mostFiles is how many files a package may have, beside doc.go and its tests.
	mostFiles = 25
)

// TestFilesFormNoLargeCycle keeps packages readable from one file to the next. A file refers to another if it
// uses a function, method, type, constant or variable that the other declares. Not more than a third of a
// package's files may refer to each other in a circle, directly or through others. The usual remedy is to move
// a type that many files use away from the code that puts everything together, such as a table of routes.
func TestFilesFormNoLargeCycle(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, dir := range packageDirs(t, "../..", "tools", "third_party") {
		uses, files := usesOfFiles(t, dir)
		seen += len(files)
		for _, cycle := range cyclesOf(files, uses) {
			if len(cycle) > smallCycle && 3*len(cycle) > len(files) {
				t.Errorf("%s: %d of %d files refer to each other in a circle: %s", dir, len(cycle), len(files),
					strings.Join(cycle, " "))
				for _, from := range cycle {
					for _, to := range cycle {
						if names := uses[from][to]; len(names) > 0 {
							t.Logf("%s uses of %s: %s", from, to, strings.Join(slices.Compact(slices.Sorted(slices.Values(names))), " "))
						}
					}
				}
			}
		}
	}
	if seen < 500 {
		t.Errorf("only %d files seen: does the test still find them?", seen)
	}
}

// TestPackagesHaveFewFiles keeps packages small enough to be known. A package that grows beyond the bound has two
// subjects: look for files that few others use, and move them, with what they need, to a package of their own.
func TestPackagesHaveFewFiles(t *testing.T) {
	t.Parallel()
	for _, dir := range packageDirs(t, "../..") {
		pkg, err := build.ImportDir(dir, 0)
		if err != nil {
			continue // no file for this system, or only tests
		}
		files := slices.DeleteFunc(pkg.GoFiles, func(name string) bool { return name == "doc.go" })
		if len(files) > mostFiles {
			t.Errorf("%s has %d files, want %d at most: %s", dir, len(files), mostFiles, strings.Join(files, " "))
		}
	}
}

// packageDirs returns the folders below root that have Go files, but not those below the folders named.
func packageDirs(t *testing.T, root string, but ...string) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || at == root {
			return err
		}
		if below, _ := filepath.Rel(root, at); slices.Contains(but, below) || d.Name() == "testdata" ||
			d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if found, _ := filepath.Glob(filepath.Join(at, "*.go")); len(found) > 0 {
			dirs = append(dirs, at)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// usesOfFiles returns for each file of a package which names it uses of which other file, and the files.
// Imported packages are not read, so that it is quick: what depends on their types may be missed.
func usesOfFiles(t *testing.T, dir string) (uses map[string]map[string][]string, files []string) {
	t.Helper()
	pkg, err := build.ImportDir(dir, 0)
	if err != nil {
		return nil, nil // no file for this system, or only tests
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
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: nothing{}, Error: func(error) {}}
	checked, _ := conf.Check(dir, fset, parsed, info) // its errors are about what nothing imports
	uses = map[string]map[string][]string{}
	for id, obj := range info.Uses {
		if obj.Pkg() != checked || !isDeclaration(obj, checked) {
			continue
		}
		from, to := filepath.Base(fset.Position(id.Pos()).Filename), filepath.Base(fset.Position(obj.Pos()).Filename)
		if from == to {
			continue
		}
		if uses[from] == nil {
			uses[from] = map[string][]string{}
		}
		uses[from][to] = append(uses[from][to], obj.Name())
	}
	return uses, pkg.GoFiles
}

// isDeclaration reports whether obj is a method, or declared at the top level of the package.
func isDeclaration(obj types.Object, pkg *types.Package) bool {
	_, isFunc := obj.(*types.Func)
	return isFunc || obj.Parent() == pkg.Scope()
}

// nothing imports empty packages.
type nothing struct{}

func (nothing) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, path.Base(name))
	p.MarkComplete()
	return p, nil
}

// cyclesOf returns the groups of files in which each file leads to each other, by Tarjan's algorithm. A file
// that leads to itself only is a group of one.
func cyclesOf(files []string, uses map[string]map[string][]string) (cycles [][]string) {
	index, low, waiting := map[string]int{}, map[string]int{}, []string(nil)
	var visit func(string)
	visit = func(file string) {
		index[file] = len(index) + 1
		low[file] = index[file]
		waiting = append(waiting, file)
		for next := range uses[file] {
			if index[next] == 0 {
				visit(next)
				low[file] = min(low[file], low[next])
			} else if slices.Contains(waiting, next) {
				low[file] = min(low[file], index[next])
			}
		}
		if low[file] == index[file] {
			i := slices.Index(waiting, file)
			cycles = append(cycles, slices.Sorted(slices.Values(waiting[i:])))
			waiting = waiting[:i]
		}
	}
	for _, file := range files {
		if index[file] == 0 {
			visit(file)
		}
	}
	return cycles
}

// TestCyclesOf shows that a circle is found, and what only leads to it or away from it is not part of it.
func TestCyclesOf(t *testing.T) {
	t.Parallel()
	uses := map[string]map[string][]string{
		"start.go": {"a.go": nil}, "a.go": {"b.go": nil}, "b.go": {"c.go": nil, "end.go": nil}, "c.go": {"a.go": nil},
	}
	got := cyclesOf([]string{"a.go", "b.go", "c.go", "end.go", "start.go"}, uses)
	want := [][]string{{"end.go"}, {"a.go", "b.go", "c.go"}, {"start.go"}}
	if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("got %v, want %v", got, want)
	}
}
