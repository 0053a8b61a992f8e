package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// redirects refuses the status of a redirect in tests. A page that takes a form answers 303
// when it did what was asked, and when it did not and sends the browser to prove who is
// there: a test that wants 303 alone passes with either. So tests ask where an answer leads,
// by a function leads (Leads), which alone knows the status. A test may still answer with
// a redirect itself.
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

// inspectRedirects says whether to look into what n is made of.
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
	redirectNames = []string{"StatusMovedPermanently", "StatusFound", "StatusSeeOther", "StatusTemporaryRedirect", "StatusPermanentRedirect"}
	redirectCodes = []string{"301", "302", "303", "307", "308"}
)

// answers says whether a call plays the server.
func answers(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"Redirect", "RedirectHandler", "WriteHeader"}, f.Sel.Name)
}
