package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"

	"golang.org/x/tools/go/analysis"
)

func TestRedirects(t *testing.T) {
	const source = `package p

func TestX(t *testing.T) {
	if p.status != http.StatusSeeOther {
	}
	if resp.StatusCode == 303 || resp.Header.Get("Location") == "" {
	}
	for _, want := range []int{200, 302} {
	}
	switch status {
	case http.StatusFound:
	}
	http.Redirect(w, r, "/", http.StatusFound)
	w.WriteHeader(307)
	wants(t, p, http.StatusPermanentRedirect)
	if p.leads() != "/" || p.status != http.StatusOK || n != 3030 {
	}
}

func leads(resp *http.Response) string {
	if resp.StatusCode != http.StatusSeeOther {
		return ""
	}
	return resp.Header.Get("Location")
}
`
	for name, want := range map[string][]int{"p_test.go": {4, 6, 8, 11, 15}, "p.go": nil} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		pass := &analysis.Pass{Fset: fset, Files: []*ast.File{f}, Report: func(d analysis.Diagnostic) {
			got = append(got, fset.Position(d.Pos).Line)
		}}
		if _, err := redirects.Run(pass); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got lines %v, %v, want %v", name, got, err, want)
		}
	}
}
