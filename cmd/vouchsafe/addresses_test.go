package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/vouchsafe/vouchsafe/"

// TestAddressesAreMadeInOnePlace walks the types of the program: nothing but people/address
// makes the address of an account, its key, or a recipient of mail, so that the three are
// always of one reading.
func TestAddressesAreMadeInOnePlace(t *testing.T) {
	t.Parallel()
	w := &addressWalk{Test: t, seen: map[string]int{}}
	for _, pkg := range load(t, "./cmd/...", "./provider/...", "./login/...", "./internal/...") {
		w.pkg = pkg
		for _, file := range pkg.files {
			ast.Inspect(file, w.visit)
		}
	}
	// What was never seen was looked for wrongly.
	for what, least := range map[string]int{"lookup by address": 6, "address given": 6, "mail composed": 3,
		"address of a person": 10} {
		if w.seen[what] < least {
			t.Errorf("%s: seen %d times, want %d at least", what, w.seen[what], least)
		}
	}
}

// addressWalk looks for addresses that were made elsewhere.
type addressWalk struct {
	Test *testing.T
	pkg  *loaded
	seen map[string]int
}

func (w *addressWalk) visit(n ast.Node) bool {
	inside := strings.HasPrefix(w.pkg.types.Path(), module+"people/address")
	switch n := n.(type) {
	case *ast.ImportSpec:
		if n.Path.Value == `"golang.org/x/net/idna"` && strings.HasPrefix(w.pkg.types.Path(), module+"login") && !inside {
			w.wrong(n, "maps domains by itself")
		}
	case *ast.AssignStmt:
		for _, to := range n.Lhs {
			if field := w.userField(to); field != "" && !inside {
				w.wrong(to, "writes storage.User."+field+", which address.Claimed.Give does")
			}
		}
	case *ast.UnaryExpr:
		if field := w.userField(n.X); n.Op == token.AND && field != "" && !inside {
			w.wrong(n, "hands out storage.User."+field+" to be written")
		}
	case *ast.CompositeLit:
		if named(w.pkg.info.TypeOf(n)) == module+"storage.User" {
			w.literal(n)
		}
	case *ast.CallExpr:
		w.call(n, inside)
	case *ast.SelectorExpr:
		w.seenField(n)
	}
	return true
}

// literal looks at a user that is written out.
func (w *addressWalk) literal(n *ast.CompositeLit) {
	for _, el := range n.Elts {
		kv, ok := el.(*ast.KeyValueExpr)
		if !ok {
			w.wrong(n, "writes a storage.User without naming its fields")
			return
		}
		if key, ok := kv.Key.(*ast.Ident); ok && (key.Name == "Email" || key.Name == "EmailKey") {
			w.wrong(kv, "writes storage.User."+key.Name+", which address.Claimed.Give does")
		}
	}
}

func (w *addressWalk) call(n *ast.CallExpr, inside bool) {
	if tv := w.pkg.info.Types[n.Fun]; tv.IsType() {
		if named(tv.Type) == module+"people/address.Recipient" && !inside {
			w.wrong(n, "makes a recipient of a text")
		}
		return
	}
	f, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	switch f.Sel.Name {
	case "UserByEmail":
		w.seen["lookup by address"]++
		if key := n.Args[len(n.Args)-1]; !w.isKey(key) {
			w.wrong(n, "looks for an address by a key that people/address did not make")
		}
	case "Give":
		if named(w.pkg.info.TypeOf(f.X)) == module+"people/address.Claimed" {
			w.seen["address given"]++
		}
	case "compose", "Compose":
		w.seen["mail composed"]++
	}
}

// isKey says whether an expression is the key of an address, or of a user.
func (w *addressWalk) isKey(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		f, ok := e.Fun.(*ast.SelectorExpr)
		return ok && f.Sel.Name == "Key" && strings.HasPrefix(named(w.pkg.info.TypeOf(f.X)), module+"people/address.")
	case *ast.SelectorExpr:
		return w.userField(e) == "EmailKey"
	}
	return false
}

// userField is the field of storage.User that an expression names, of those with an address.
func (w *addressWalk) userField(e ast.Expr) string {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Email" && sel.Sel.Name != "EmailKey" {
		return ""
	}
	s := w.pkg.info.Selections[sel]
	if s == nil {
		return ""
	}
	field, ok := s.Obj().(*types.Var)
	if !ok || !field.IsField() || field.Pkg() == nil || field.Pkg().Path() != module+"storage" {
		return ""
	}
	// Embedded or not: the record that declares it.
	of, ok := field.Pkg().Scope().Lookup("User").Type().Underlying().(*types.Struct)
	if !ok {
		return ""
	}
	for i := range of.NumFields() {
		if of.Field(i).Name() == field.Name() && of.Field(i).Pos() == field.Pos() {
			return field.Name()
		}
	}
	return ""
}

func (w *addressWalk) seenField(n *ast.SelectorExpr) {
	if w.userField(n) != "" {
		w.seen["address of a person"]++
	}
	// This test cannot see with which arguments a method is called that is passed on as a value.
	if n.Sel.Name == "UserByEmail" && !slices.ContainsFunc(w.pkg.called, func(at ast.Node) bool { return at == n }) {
		w.wrong(n, "hands on UserByEmail")
	}
}

func (w *addressWalk) wrong(n ast.Node, what string) {
	w.Test.Errorf("%s %s", w.pkg.fset.Position(n.Pos()), what)
}

// named is a type's name with its package, of pointers too.
func named(t types.Type) string {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil {
		return n.Obj().Pkg().Path() + "." + n.Obj().Name()
	}
	return ""
}

// loaded is a package with its types.
type loaded struct {
	fset   *token.FileSet
	files  []*ast.File
	types  *types.Package
	info   *types.Info
	called []ast.Node // what is the function of a call
}

// load reads packages of the module and those they need, without tests, and without the
// storage, which keeps what it is given.
func load(t *testing.T, patterns ...string) []*loaded {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-deps", "-export", "-json=ImportPath,Dir,GoFiles,Export"},
		patterns...)...)
	list.Dir = "../.."
	list.Stderr = os.Stderr
	out, err := list.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := list.Start(); err != nil {
		t.Fatal(err)
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	exports := map[string]string{}
	var own []listed
	for dec := json.NewDecoder(out); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if exports[p.ImportPath] = p.Export; strings.HasPrefix(p.ImportPath, module) &&
			!strings.HasPrefix(p.ImportPath, module+"storage") {
			own = append(own, p)
		}
	}
	if err := list.Wait(); err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	})}
	var all []*loaded
	for _, p := range own {
		l := &loaded{fset: fset, info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{},
			Selections: map[*ast.SelectorExpr]*types.Selection{}, Uses: map[*ast.Ident]types.Object{},
			Defs: map[*ast.Ident]types.Object{}}}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			l.files = append(l.files, file)
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					l.called = append(l.called, ast.Unparen(call.Fun))
				}
				return true
			})
		}
		if l.types, err = conf.Check(p.ImportPath, fset, l.files, l.info); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}
