package main

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

// ages are the functions that compare an age without asking whether it is negative, and why
// they may: nothing of it came from another process or a client, or it is asked there.
var ages = map[string]string{
	"provider/authorize/code.go once":         "OpenCode asks",
	"provider/clientauth/clientkeys.go get":   "of this process",
	"provider/clientauth/clientkeys.go look":  "of this process",
	"provider/clientauth/clientkeys.go put":   "of this process",
	"provider/clientauth/clientkeys.go fetch": "of this process",
	"provider/tokens/code.go OpenCode":        "asks",
	"provider/token/code.go check":            "OpenCode asks",
	"provider/authorize/letter.go openLetter": "to both sides",
	"provider/keys/keys.go over":              "of this process",
	"provider/authorize/policy.go needsLogin": "storage asks",
	"login/account/sections.go password":      "to both sides",
	"people/disavowal.go keepFormer":          "the life of the link counts",
	"people/disavow.go formerFactor":          "the life of the link counts",
	"people/disavow.go with":                  "longer voids more",
	"people/importing/jobs/service.go store":  "of this process",
	"people/importing/jobs/work.go save":      "of this process",
	"internal/upstreams/discovery.go get":     "of this process",
	"internal/upstreams/keys.go named":        "of this process",
}

// TestAgesHaveALowerBound walks the code for comparisons of how long ago something was: what
// was issued while a clock was ahead would pass them for as much longer. storage.Within knows.
func TestAgesHaveALowerBound(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	folders := []string{
		"provider", "login", "people", "clients", "tenants", "declare", "internal/upstreams", "internal/relay",
	}
	for _, folder := range folders {
		err := filepath.WalkDir("../../"+folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && comparesAge(f) {
					found[strings.TrimPrefix(filepath.ToSlash(path), "../../")+" "+f.Name.Name] = true
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for where := range found {
		if ages[where] == "" {
			t.Errorf("%s compares an age: use storage.Within, or say in ages why not", where)
		}
	}
	for where := range ages {
		if !found[where] {
			t.Errorf("%s compares no age any more: take it out of ages", where)
		}
	}
}

// comparesAge says whether a function compares the result of time.Since or of a Sub.
func comparesAge(f *ast.FuncDecl) (yes bool) {
	compares := []token.Token{token.LSS, token.GTR, token.LEQ, token.GEQ}
	age := func(e ast.Expr) bool {
		call, ok := e.(*ast.CallExpr)
		if !ok {
			return false
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if ok && sel.Sel.Name == "Abs" {
			call, ok = sel.X.(*ast.CallExpr)
			if ok {
				sel, ok = call.Fun.(*ast.SelectorExpr)
			}
		}
		return ok && (sel.Sel.Name == "Sub" || sel.Sel.Name == "Since")
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			yes = yes || slices.Contains(compares, n.Op) && (age(n.X) || age(n.Y))
		case *ast.AssignStmt: // age := time.Since(at)
			yes = yes || len(n.Lhs) == 1 && age(n.Rhs[0])
		}
		return true
	})
	return yes
}
