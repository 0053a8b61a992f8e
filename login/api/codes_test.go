package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
)

// onPagesOnly matches the texts of what no call of the API takes: profiles and the
// first administrator.
var onPagesOnly = regexp.MustCompile(`^profile\.|^setup\.taken$`)

// literals calls see with each call and each composite literal in the code below the directories.
func literals(t *testing.T, see func(ast.Node), roots ...string) {
	t.Helper()
	files := token.NewFileSet()
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool { see(n); return true })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// text returns the value of a string literal, or "".
func text(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value)
	return s
}

// callee returns the name of what is called, without its package or receiver.
func callee(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// TestEveryFaultOfUsersHasACode finds the texts that use cases refuse what was entered with.
func TestEveryFaultOfUsersHasACode(t *testing.T) {
	t.Parallel()
	refused := map[string]bool{}
	literals(t, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.CallExpr:
			if name := callee(n); (name == "Invalid" || name == "ClaimAs") && len(n.Args) > 1 {
				for _, arg := range n.Args[1:] {
					refused[text(arg)] = true
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Text" {
				refused[text(n.Value)] = true
			}
		}
	}, "../../people", ".")
	coded := map[string]bool{}
	for _, c := range fieldCodes {
		for _, text := range c.texts {
			if coded[text] {
				t.Errorf("%s has two codes", text)
			}
			if coded[text] = true; !refused[text] {
				t.Errorf("%s: no use case refuses with %s", c.Code, text)
			}
		}
	}
	isText := regexp.MustCompile(`^(signin|signup|setup|password|newpassword|email|newemail|confirm|factor)\.[a-z_]+$`)
	for text := range refused {
		if isText.MatchString(text) && !coded[text] && !onPagesOnly.MatchString(text) {
			t.Errorf("%s has no code: add it to fieldCodes", text)
		}
	}
	if len(coded) < 20 {
		t.Errorf("only %d texts found", len(coded))
	}
}

// TestCodesAreStableWords: they are words of their own, and each has one meaning.
func TestCodesAreStableWords(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	var seen []string
	for _, c := range FieldCodes() {
		if !word.MatchString(c.Code) || slices.Contains(seen, c.Code) || !strings.HasSuffix(c.When, ".") {
			t.Errorf("%q: %q", c.Code, c.When)
		}
		seen = append(seen, c.Code)
	}
	for code := range ChallengeCodes() {
		if !word.MatchString(code) {
			t.Errorf("%q is no code", code)
		}
	}
}

// TestEveryProblemOfTheCodeIsInTheReference compares the codes in the source with the tables, both ways.
func TestEveryProblemOfTheCodeIsInTheReference(t *testing.T) {
	t.Parallel()
	problems, fields := map[string]bool{}, map[string]bool{}
	literals(t, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" && text(n.Value) != "" {
				problems[text(n.Value)] = true
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if sel, ok := left.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Code" || sel.Sel.Name == "Error") &&
					len(n.Lhs) == len(n.Rhs) && text(n.Rhs[i]) != "" {
					problems[text(n.Rhs[i])] = true
				}
			}
		case *ast.CallExpr:
			if callee(n) == "fault" {
				for _, arg := range n.Args[:min(2, len(n.Args))] {
					fields[text(arg)] = true
				}
			}
		}
	}, ".", "../../internal/jsonapi")
	delete(problems, "precondition_failed") // of resources, which this API has none of
	delete(problems, "changing")            // of patches, which it has none of
	delete(fields, "")
	for code := range problems {
		isField := slices.ContainsFunc(fieldCodes, func(c fieldCode) bool { return c.Code == code })
		if _, ok := ChallengeCodes()[code]; !ok && !isField {
			t.Errorf("the reference does not have %q", code)
		}
	}
	known := map[string]bool{}
	for _, c := range jsonapi.FieldCodes {
		if known[c.Code] = true; !fields[c.Code] {
			t.Errorf("package jsonapi refuses nothing as %q", c.Code)
		}
	}
	for code := range fields {
		if !known[code] && word(code) {
			t.Errorf("FieldCodes of package jsonapi does not have %q", code)
		}
	}
}

func word(s string) bool { return !strings.ContainsAny(s, " %") }
