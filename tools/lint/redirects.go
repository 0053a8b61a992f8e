package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// redirects refuses tests that compare the status of an answer with that of a redirect. A page
// answers a form with 303 if it did what was asked, but also if it refuses and sends the browser to
// sign in. A test that demands 303 alone passes in both cases. Tests therefore check where an
// answer leads, by a function leads (or Leads), which alone may know the status. A test that plays
// a server may answer with a redirect.
var redirects = &analysis.Analyzer{
	Name: "redirects",
	Doc:  "tests that look at the status of a redirect, and not at where it leads",
	Run: func(pass *analysis.Pass) (any, error) {
		for _, f := range pass.Files {
			if isTest(pass.Fset.Position(f.Package).Filename) {
				ast.Inspect(f, func(n ast.Node) bool { return inspectRedirects(pass, n) })
			}
		}
		return nil, nil
	},
}

// inspectRedirects reports a finding in n, and returns whether to look into the children of n.
func inspectRedirects(pass *analysis.Pass, n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return !strings.EqualFold(n.Name.Name, "leads")
	case *ast.CallExpr:
		return !answers(n)
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == "http" && slices.Contains(redirectNames, n.Sel.Name) {
			pass.Reportf(n.Pos(), "ask where the answer leads (leads), not for http.%s", n.Sel.Name)
		}
	case *ast.BasicLit:
		if n.Kind == token.INT && slices.Contains(redirectCodes, n.Value) {
			pass.Reportf(n.Pos(), "ask where the answer leads (leads), not for %s", n.Value)
		}
	}
	return true
}

var (
	redirectNames = []string{"StatusMovedPermanently", "StatusFound", "StatusSeeOther", "StatusTemporaryRedirect",
		"StatusPermanentRedirect"}
	redirectCodes = []string{"301", "302", "303", "307", "308"}
)

// answers reports whether a call answers a request.
func answers(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"Redirect", "RedirectHandler", "WriteHeader"}, f.Sel.Name)
}
