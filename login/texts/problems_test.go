package texts

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// problemTexts returns the ids in all web.Problems of the module's code, and where each stands.
func problemTexts(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && name != ".." &&
			(strings.HasPrefix(name, ".") || name == "e2e" || name == "examples" || name == "third_party" ||
				name == "node_modules") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		add := func(e ast.Expr) {
			ast.Inspect(e, func(n ast.Node) bool {
				if _, call := n.(*ast.CallExpr); call {
					return false
				}
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if s, err := strconv.Unquote(lit.Value); err == nil && s != "" {
						found[s] = files.Position(lit.Pos()).String()
					}
				}
				return true
			})
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if !isProblem(n.Type) {
					return true
				}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						if key, ok := kv.Key.(*ast.Ident); ok && (key.Name == "Title" || key.Name == "Message") {
							add(kv.Value)
						}
					}
				}
			case *ast.ValueSpec: // of provider
				if n.Names[0].Name == "formPostTexts" && len(n.Values) == 1 {
					add(n.Values[0])
				}
			case *ast.CallExpr: // refuse(status, id, sentence) of cmd/vouchsafe
				if fn, ok := n.Fun.(*ast.Ident); ok && fn.Name == "refuse" && len(n.Args) == 3 {
					add(n.Args[1])
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func isProblem(typ ast.Expr) bool {
	if sel, ok := typ.(*ast.SelectorExpr); ok {
		typ = sel.Sel
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.Name == "Problem"
}

// TestProblemsNameTexts: an id that a problem names has a text.
func TestProblemsNameTexts(t *testing.T) {
	t.Parallel()
	found := problemTexts(t)
	if len(found) < 40 {
		t.Errorf("only %d texts found", len(found))
	}
	for id, where := range found {
		if english[id] == "" {
			t.Errorf("%s: there is no text %q", where, id)
		}
	}
}
