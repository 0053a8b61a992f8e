package login

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
)

// problemTexts are the titles and messages of all web.Problems in the module's code, with
// where each stands.
func problemTexts(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && name != ".." && (strings.HasPrefix(name, ".") || name == "e2e" || name == "examples" || name == "third_party") {
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
					return false // a text in somebody's language already
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
			case *ast.ValueSpec: // formPostTexts of provider
				if strings.HasSuffix(n.Names[0].Name, "Texts") && len(n.Values) == 1 {
					add(n.Values[0])
				}
			case *ast.CallExpr: // refuse(status, message) of cmd/vouchsafe
				if fn, ok := n.Fun.(*ast.Ident); ok && fn.Name == "refuse" && len(n.Args) == 2 {
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

// isSentence says whether the id is a sentence of a web.Problem.
func isSentence(id string) bool { return strings.Contains(id, " ") }

// TestEveryProblemIsTranslated: what a new one says has to go into texts/*/problem.json.
func TestEveryProblemIsTranslated(t *testing.T) {
	t.Parallel()
	found := problemTexts(t)
	if len(found) < 25 {
		t.Errorf("only %d problems found", len(found))
	}
	for text, where := range found {
		if english[text] != text {
			t.Errorf("%s: %q is not in texts/en/problem.json", where, text)
		}
	}
	for id := range english {
		if isSentence(id) && found[id] == "" {
			t.Errorf("no problem says %q", id)
		}
	}
}

func TestErrorPagesSpeakTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	const said = "The request cannot be read."
	for _, lang := range texts.Languages() {
		req := s.request("/authorize?ui_locales=" + lang)
		p := s.failed(req, &web.Problem{Status: 400, Message: said, Title: "This page is out of date"})
		for _, want := range []string{`lang="` + lang + `"`, texts.In(lang)[said], texts.In(lang)["This page is out of date"]} {
			if !strings.Contains(p.body, want) {
				t.Errorf("%s: the page is without %q", lang, want)
			}
		}
		req.Header.Set("Accept", "application/json")
		if p := s.failed(req, &web.Problem{Status: 400, Message: said}); !strings.Contains(p.body, `"error_description": "`+said+`"`) {
			t.Errorf("%s: programs are told %s", lang, p.body)
		}
		if p := s.failed(s.request("/x?ui_locales="+lang), &web.Problem{Status: 404, Message: "There is no such page."}); strings.Contains(p.body, `class="lead"`) {
			t.Errorf("%s: the message repeats the title", lang)
		}
	}
}
