package brand

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxCSS bounds a tenant's own CSS, in bytes.
const maxCSS = 32 << 10

// functions are the functions that a tenant's CSS may call. None of them loads anything or reads
// content of the page.
var functions = []string{
	"var", "calc", "min", "max", "clamp", "round", "abs", "rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab",
	"oklch", "color", "color-mix", "light-dark",
	"linear-gradient", "radial-gradient", "conic-gradient", "repeating-linear-gradient", "repeating-radial-gradient",
	"repeating-conic-gradient",
	"translate", "translatex", "translatey", "scale", "scalex", "scaley", "rotate", "skew", "matrix",
	"cubic-bezier", "linear", "steps",
	"blur", "brightness", "drop-shadow", "grayscale", "opacity", "saturate", "repeat", "minmax", "fit-content", "inset",
	"circle", "ellipse", "polygon", "env",
	"not", "is", "where", "has", "nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type", "lang", "dir",
	"and", "or", "selector", // of @media and @supports
}

// rules are the at-rules that a tenant's CSS may have.
var rules = []string{"media", "supports", "container", "layer", "keyframes", "starting-style"}

// atRule matches the name after an @.
var atRule = regexp.MustCompile(`^[-_a-zA-Z0-9]*`)

// checkCSS returns what is wrong with a tenant's own CSS, or "". It refuses text that a browser
// could read otherwise than this function does, such as escapes and anything that is not closed.
func checkCSS(css string) string {
	if len(css) > maxCSS {
		return fmt.Sprintf("is more than %d KB", maxCSS>>10)
	}
	if !utf8.ValidString(css) {
		return "is not text"
	}
	if i := strings.IndexAny(css, "\\<\x00\f\r"); i >= 0 {
		return fmt.Sprintf("line %d: %q is not allowed: escapes and markup could hide what is there", line(css, i), css[i])
	}
	var open []byte
	for i := 0; i < len(css); i++ {
		c := css[i]
		switch {
		case strings.HasPrefix(css[i:], "/*"):
			end := strings.Index(css[i+2:], "*/")
			if end < 0 {
				return fmt.Sprintf("line %d: the comment does not end", line(css, i))
			}
			i += end + 3
		case c == '"' || c == '\'':
			end := strings.IndexAny(css[i+1:], string(c)+"\n")
			if end < 0 || css[i+1+end] != c {
				return fmt.Sprintf("line %d: the string does not end", line(css, i))
			}
			i += end + 1
		case c == '@':
			if name := atRule.FindString(css[i+1:]); !slices.Contains(rules, strings.ToLower(name)) {
				return fmt.Sprintf("line %d: @%s isn't allowed: use one of @%s", line(css, i), name, strings.Join(rules, ", @"))
			}
		case c == '(' || c == '{' || c == '[':
			if c == '(' {
				if name := callee(css[:i]); name != "" && !slices.Contains(functions, strings.ToLower(name)) {
					return fmt.Sprintf("line %d: %s() is not allowed: own CSS loads nothing", line(css, i), name)
				}
			}
			open = append(open, map[byte]byte{'(': ')', '{': '}', '[': ']'}[c])
		case c == ')' || c == '}' || c == ']':
			if len(open) == 0 || open[len(open)-1] != c {
				return fmt.Sprintf("line %d: %q closes nothing", line(css, i), c)
			}
			open = open[:len(open)-1]
		case c >= utf8.RuneSelf || c < ' ' && c != '\t' && c != '\n':
			return fmt.Sprintf("line %d: only strings and comments may hold more than ASCII", line(css, i))
		}
	}
	if len(open) > 0 {
		return fmt.Sprintf("%q is missing at the end", open[len(open)-1])
	}
	return ""
}

// callee returns the name at the end of css, which stands before a parenthesis. It reads from the
// end, because every page checks its CSS: reading from the beginning at each parenthesis took a
// second for 30 KB.
func callee(css string) string {
	return css[len(strings.TrimRightFunc(css, func(r rune) bool {
		return r == '-' || r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	})):]
}

// line returns the number of the line that contains the byte at i.
func line(css string, i int) int { return 1 + strings.Count(css[:i], "\n") }
