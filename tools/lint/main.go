// Command lint is a tool for go vet that runs the checks of go vet itself, and the linters that it does not have:
//
//	go vet -vettool=bin/lint ./...
//
// As a tool of go vet, it analyses each package once, and the go command caches the result until
// the package changes.
//
// Two linters are left out because they are wrong about this project: bodyclose does not see that
// another function closes a body, and sqlclosecheck does not know that statements are kept open on
// purpose.
package main

import (
	"slices"
	"strings"

	"github.com/gordonklaus/ineffassign/pkg/ineffassign"
	"github.com/gostaticanalysis/nilerr"
	"github.com/jingyugao/rowserrcheck/passes/rowserr"
	"github.com/kisielk/errcheck/errcheck"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/nilness"
	"golang.org/x/tools/go/analysis/passes/unusedwrite"
	"golang.org/x/tools/go/analysis/suite/vet"
	"golang.org/x/tools/go/analysis/unitchecker"
	"honnef.co/go/tools/analysis/lint"
	"honnef.co/go/tools/simple"
	"honnef.co/go/tools/staticcheck"
	"honnef.co/go/tools/stylecheck"
)

// closers are the Close methods whose error may be ignored, because it comes after all work is done
// and no caller could act on it. Files are not among them: closing a file that was written can lose
// data.
var closers = []string{
	"(io.Closer).Close", "(net.Conn).Close", "(net.Listener).Close",
	"(*database/sql.DB).Close", "(*database/sql.Conn).Close", "(*database/sql.Rows).Close", "(*database/sql.Stmt).Close",
	"(*github.com/jackc/pgx/v5.Conn).Close",
}

// removers remove temporary files. Their error may be ignored.
var removers = []string{"os.Remove", "os.RemoveAll"}

// printers write to a terminal. There is no other place to report their error.
var printers = []string{"fmt.Fprint", "fmt.Fprintf", "fmt.Fprintln"}

func main() {
	errcheck.DefaultExcludedSymbols = append(errcheck.DefaultExcludedSymbols,
		slices.Concat(closers, removers, printers)...)
	all := append(slices.DeleteFunc(slices.Clone(vet.Suite), isNew),
		nilness.Analyzer, unusedwrite.Analyzer, ineffassign.Analyzer,
		outsideTests(nilerr.Analyzer), outsideTests(errcheck.Analyzer),
		rowserr.NewAnalyzer("database/sql", "github.com/jackc/pgx/v5"), unusedCode,
		redirects, prose,
	)
	for _, list := range [][]*lint.Analyzer{staticcheck.Analyzers, simple.Analyzers, stylecheck.Analyzers} {
		for _, a := range list {
			if !a.Doc.NonDefault && !slices.Contains(less, a.Analyzer.Name) || slices.Contains(more, a.Analyzer.Name) {
				all = append(all, a.Analyzer)
			}
		}
	}
	unitchecker.Main(all...)
}

// isNew reports whether the go command of go.mod has no such check yet. Tests here read what a program says by a
// bufio.Scanner, whose error adds nothing to a line that does not come.
func isNew(a *analysis.Analyzer) bool { return a.Name == "scannererr" || a.Name == "sqlrowserr" }

// more are the checks of staticcheck that are off by default and on here: one name for all
// receivers of a type, no empty branch, no type that could be left out.
var more = []string{"ST1016", "SA9003", "ST1023"}

// less are checks that are off here: two structs with the same fields need not be converted into
// each other.
var less = []string{"S1016"}

// outsideTests returns the analyzer without its findings in tests, which call a function for its
// effect and check that.
func outsideTests(a *analysis.Analyzer) *analysis.Analyzer {
	run := a.Run
	a.Run = func(pass *analysis.Pass) (any, error) {
		report := pass.Report
		pass.Report = func(d analysis.Diagnostic) {
			if !strings.HasSuffix(pass.Fset.Position(d.Pos).Filename, "_test.go") {
				report(d)
			}
		}
		return run(pass)
	}
	return a
}
