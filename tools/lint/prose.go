package main

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/tools/go/analysis"
)

// maxColumns is the length of the longest line, in characters. A tab counts as one.
const maxColumns = 120

// riddles are words that hide the actor of a sentence. CONTRIBUTING.md says what to write instead.
var riddles = regexp.MustCompile(`(?i)\b(whoever|whomever|whom|somebody|nobody|anybody)\b`)

// riddleNames finds the same words in names such as wantNobody.
var riddleNames = regexp.MustCompile(`(?i)whoever|somebody|nobody|anybody|whom([A-Z_]|$)`)

// prose refuses lines that are too long, and words that hide the actor of a sentence in comments and in
// names that the package declares.
var prose = &analysis.Analyzer{
	Name: "prose",
	Doc:  "long lines, and comments and names that do not say who acts",
	Run: func(pass *analysis.Pass) (any, error) {
		for _, f := range pass.Files {
			if ast.IsGenerated(f) {
				continue
			}
			checkComments(pass, f)
			checkNames(pass, f)
			if err := checkWidth(pass, f); err != nil {
				return nil, err
			}
		}
		return nil, nil
	},
}

// checkComments reports riddles in comments.
func checkComments(pass *analysis.Pass, f *ast.File) {
	for _, group := range f.Comments {
		for _, c := range group.List {
			for _, at := range riddles.FindAllStringIndex(c.Text, -1) {
				pass.Reportf(c.Pos()+token.Pos(at[0]), "name the actor in place of %q: the user, the client, an attacker",
					c.Text[at[0]:at[1]])
			}
		}
	}
}

// checkNames reports riddles in declared names.
func checkNames(pass *analysis.Pass, f *ast.File) {
	for name, object := range pass.TypesInfo.Defs {
		if object != nil && name.Pos() >= f.FileStart && name.Pos() < f.FileEnd && riddleNames.MatchString(name.Name) {
			pass.Reportf(name.Pos(), "the name %s does not say who acts", name.Name)
		}
	}
}

// checkWidth reports lines of more than maxColumns. It accepts lines that cannot be broken: directives of
// the go command, lines within a raw string, struct tags, and lines with a string of more than 60 characters
// without a space.
func checkWidth(pass *analysis.Pass, f *ast.File) error {
	file := pass.Fset.File(f.FileStart)
	source, err := os.ReadFile(file.Name())
	if err != nil {
		return err
	}
	unbroken := unbrokenLines(file, f)
	for i, line := range strings.Split(string(source), "\n") {
		n := i + 1
		width := utf8.RuneCountInString(line)
		if width > maxColumns && !unbroken[n] && !strings.HasPrefix(line, "//go:") {
			pass.Reportf(file.LineStart(n), "the line has %d columns, more than %d", width, maxColumns)
		}
	}
	return nil
}

// unbrokenLines returns the lines with a string or a struct tag that cannot be broken.
func unbrokenLines(file *token.File, f *ast.File) map[int]bool {
	lines := map[int]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if field, ok := n.(*ast.Field); ok && field.Tag != nil {
			lines[file.Line(field.Tag.Pos())] = true
		}
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		from, to := file.Line(lit.Pos()), file.Line(lit.End())
		if from == to && len(lit.Value) <= longestWord || from == to && strings.ContainsAny(lit.Value[:longestWord], " ") {
			return true
		}
		for line := from; line <= to; line++ {
			lines[line] = true
		}
		return true
	})
	return lines
}

// longestWord is the length of a string that must be broken if the line is too long, in bytes.
const longestWord = 60
