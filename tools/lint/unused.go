package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"honnef.co/go/tools/unused"
)

// unusedCode reports what staticcheck's U1000 finds. staticcheck itself reports that in its own
// command only.
var unusedCode = &analysis.Analyzer{
	Name:     "unused",
	Doc:      "unexported code that nothing uses",
	Requires: []*analysis.Analyzer{unused.Analyzer.Analyzer},
	Run: func(pass *analysis.Pass) (any, error) {
		// A package with tests is analysed twice, once with its tests. Code that only tests use is
		// in use there.
		if hasTestFiles(pass) == besideTests(pass) {
			for _, o := range pass.ResultOf[unused.Analyzer.Analyzer].(unused.Result).Unused {
				if at := position(pass, o.Position); at.IsValid() {
					pass.Reportf(at, "%s %s is unused", o.Kind, o.Name)
				}
			}
		}
		return nil, nil
	},
}

// hasTestFiles reports whether the analysed files include tests of the package.
func hasTestFiles(pass *analysis.Pass) bool {
	return slices.ContainsFunc(pass.Files, func(f *ast.File) bool {
		return isTest(pass.Fset.Position(f.Package).Filename)
	})
}

// besideTests reports whether the package's folder has tests that can use its unexported code.
func besideTests(pass *analysis.Pass) bool {
	if strings.HasSuffix(pass.Pkg.Name(), "_test") {
		return true
	}
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(pass.Fset.Position(pass.Files[0].Package).Filename), "*_test.go"))
	return slices.ContainsFunc(files, func(name string) bool { return isOf(name, pass.Pkg.Name()) })
}

// isTest reports whether a file holds tests.
func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

// position returns the position in a file of the pass, or token.NoPos.
func position(pass *analysis.Pass, p token.Position) token.Pos {
	for _, f := range pass.Files {
		if file := pass.Fset.File(f.Package); file.Name() == p.Filename && p.Offset <= file.Size() {
			return file.Pos(p.Offset)
		}
	}
	return token.NoPos
}

// isOf reports whether a file belongs to the package with that name, and not to NAME_test.
func isOf(file, name string) bool {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly)
	return err == nil && f.Name.Name == name
}
