package ui

import (
	"strconv"
	"strings"
	"unicode"
)

// span is a piece of text, or of code.
type span struct {
	Text string
	Code bool
}

// spans splits a text in which code stands between backquotes.
func spans(s string) []span {
	var out []span
	code := false
	for part := range strings.SplitSeq(s, "`") {
		if part != "" {
			out = append(out, span{part, code})
		}
		code = !code
	}
	return out
}

// comparison is a value that came beside an expected one, split where they differ.
type comparison struct {
	Before, Got, Want, After string
	Same                     bool
}

// compare finds what two values have in common at both ends.
func compare(got, want string) comparison {
	g, x := []rune(got), []rune(want)
	a := 0
	for a < len(g) && a < len(x) && g[a] == x[a] {
		a++
	}
	b := 0
	for b < len(g)-a && b < len(x)-a && g[len(g)-1-b] == x[len(x)-1-b] {
		b++
	}
	return comparison{Before: string(g[:a]), Got: string(g[a : len(g)-b]), Want: string(x[a : len(x)-b]),
		After: string(g[len(g)-b:]), Same: got == want}
}

// visible returns a value with invisible characters escaped, cut after 2,000 bytes.
func visible(s string) string {
	const most = 2000
	var out strings.Builder
	for i, r := range s {
		if i >= most {
			out.WriteString("…")
			break
		}
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			q := strconv.QuoteRuneToASCII(r)
			out.WriteString(q[1 : len(q)-1])
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
