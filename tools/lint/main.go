// Command lint is the linters beyond go vet as one of its tools:
//
//	go vet -vettool=bin/lint ./...
//
// So each package is looked at once, and the go command remembers which were found good
// until they change.
//
// Left out, for what they said of this project was wrong: bodyclose (it does not see a body
// that another function closes) and sqlclosecheck (statements are kept here on purpose).
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
	"golang.org/x/tools/go/analysis/unitchecker"
	"honnef.co/go/tools/analysis/lint"
	"honnef.co/go/tools/simple"
	"honnef.co/go/tools/staticcheck"
	"honnef.co/go/tools/stylecheck"
)

// closers are what is closed when all is done with it, and has nothing to say then that
// anybody could act on. Files are not among them: closing one that was written may fail.
var closers = []string{
	"(io.Closer).Close", "(net.Conn).Close", "(net.Listener).Close",
	"(*database/sql.DB).Close", "(*database/sql.Conn).Close", "(*database/sql.Rows).Close", "(*database/sql.Stmt).Close",
	"(*github.com/jackc/pgx/v5.Conn).Close",
}

// removers tidy up what is temporary.
var removers = []string{"os.Remove", "os.RemoveAll"}

// printers write to people: there is nobody to tell when they cannot.
var printers = []string{"fmt.Fprint", "fmt.Fprintf", "fmt.Fprintln"}

func main() {
	errcheck.DefaultExcludedSymbols = append(errcheck.DefaultExcludedSymbols, slices.Concat(closers, removers, printers)...)
	all := []*analysis.Analyzer{
		nilness.Analyzer, unusedwrite.Analyzer, ineffassign.Analyzer,
		outsideTests(nilerr.Analyzer), outsideTests(errcheck.Analyzer), rowserr.NewAnalyzer("database/sql", "github.com/jackc/pgx/v5"), unusedCode,
		redirects,
	}
	for _, list := range [][]*lint.Analyzer{staticcheck.Analyzers, simple.Analyzers, stylecheck.Analyzers} {
		for _, a := range list {
			if !a.Doc.NonDefault && !slices.Contains(less, a.Analyzer.Name) || slices.Contains(more, a.Analyzer.Name) {
				all = append(all, a.Analyzer)
			}
		}
	}
	unitchecker.Main(all...)
}

// more are those of staticcheck that it leaves out unless asked: one name for each
// receiver, no empty branch, no type that is written twice.
var more = []string{"ST1016", "SA9003", "ST1023"}

// less are those that have no point here: that two records have the same fields does not
// make the one the other.
var less = []string{"S1016"}

// outsideTests is an analyzer that leaves tests alone. They call for an effect, and look
// at that.
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
