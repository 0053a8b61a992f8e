package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
)

func TestProse(t *testing.T) {
	long := strings.Repeat("x", 130)
	source := `package p

// Whoever reads this learns nothing.
const nobodyKnows = 1

// An attacker guesses.
const attack = "somebody" // for whom?

const word = "` + long + `"

const sentence = "` + strings.Repeat("x ", 65) + `"

const raw = ` + "`\n" + strings.Repeat("x ", 65) + "`" + `

// ` + long + `
const comment = 1

type tagged struct {
	Field string ` + "`json:\"x\" doc:\"" + strings.Repeat("x ", 65) + "\"`" + `
}
`
	file := filepath.Join(t.TempDir(), "p.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
	pkg, err := (&types.Config{}).Check("github.com/vouchsafe/vouchsafe/p", fset, []*ast.File{f}, info)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	pass := &analysis.Pass{
		Fset: fset, Files: []*ast.File{f}, Pkg: pkg, TypesInfo: info,
		Report: func(d analysis.Diagnostic) { got = append(got, fset.Position(d.Pos).Line) },
	}
	if _, err := prose.Run(pass); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if want := []int{3, 4, 7, 11, 16}; !slices.Equal(got, want) {
		t.Errorf("got lines %v, want %v", got, want)
	}
}
