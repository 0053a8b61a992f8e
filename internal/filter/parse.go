package filter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Fault says what is wrong with a filter, and where.
type Fault struct {
	At      int // of the character, counted from 1
	Message string
}

// Error implements error.
func (f *Fault) Error() string { return fmt.Sprintf("character %d of the filter: %s", f.At, f.Message) }

const (
	// MostBytes is how long a filter may be.
	MostBytes = 2000
	// mostConditions is how many conditions a filter may have, and mostDepth how many parentheses around one of them:
	// each record that is read is compared with all of them.
	mostConditions = 50
	mostDepth      = 20
)

// Parse reads a filter on the fields. Its errors are Faults.
func Parse(text string, fields []Field) (Filter, error) {
	if len(text) > MostBytes {
		return Filter{}, &Fault{1, fmt.Sprintf("a filter has at most %d bytes", MostBytes)}
	}
	p := parser{text: text, fields: fields}
	if err := p.advance(); err != nil {
		return Filter{}, err
	}
	root, err := p.either()
	if err != nil {
		return Filter{}, err
	}
	if p.token.kind != ended {
		return Filter{}, p.expected(`"and", "or" or the end`)
	}
	return Filter{root}, nil
}

// token is a part of the text.
type token struct {
	kind tokenKind
	at   int // its offset in bytes
	// word is the text of a word or a parenthesis, or the value of a string.
	word string
}

type tokenKind int

const (
	ended tokenKind = iota
	word
	quoted
	parenthesis
)

// parser reads a filter from left to right.
type parser struct {
	text       string
	fields     []Field
	offset     int // behind the token
	token      token
	conditions int
	depth      int
}

// fault returns what is wrong with the token.
func (p *parser) fault(format string, args ...any) error {
	return &Fault{utf8.RuneCountInString(p.text[:p.token.at]) + 1, fmt.Sprintf(format, args...)}
}

// expected returns the fault of a token in the place of something else.
func (p *parser) expected(what string) error {
	switch p.token.kind {
	case ended:
		return p.fault("the filter ends where %s should stand", what)
	case quoted:
		return p.fault("a string stands where %s should", what)
	}
	return p.fault("%q stands where %s should", shortened(p.token.word), what)
}

// shortened returns a word in a form that is fit to be sent back.
func shortened(s string) string {
	if runes := []rune(s); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return s
}

// advance reads the next token.
func (p *parser) advance() error {
	rest := strings.TrimLeft(p.text[p.offset:], " ")
	p.token = token{at: len(p.text) - len(rest)}
	p.offset = p.token.at
	if rest == "" {
		return nil
	}
	switch c := rest[0]; {
	case c == '(' || c == ')':
		p.token.kind, p.token.word = parenthesis, rest[:1]
		p.offset++
	case c == '"':
		return p.quote(rest)
	case isWord(rest[0]):
		n := 0
		for n < len(rest) && isWord(rest[n]) {
			n++
		}
		p.token.kind, p.token.word = word, rest[:n]
		p.offset += n
	default:
		r, _ := utf8.DecodeRuneInString(rest)
		return p.fault("the character %q means nothing here: a filter has names, operators, values and parentheses", r)
	}
	return nil
}

// isWord reports whether a character can stand in a name, an operator or a number.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-+$:", c) >= 0
}

// quote reads a JSON string with which the rest begins.
func (p *parser) quote(rest string) error {
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			p.token.kind = quoted
			if json.Unmarshal([]byte(rest[:i+1]), &p.token.word) != nil || strings.ContainsRune(p.token.word, 0) {
				return p.fault("the string that begins here is no JSON string")
			}
			p.offset += i + 1
			return nil
		}
	}
	return p.fault("the string that begins here has no end")
}

// is reports whether the token is this word, in any case.
func (p *parser) is(w string) bool { return p.token.kind == word && strings.EqualFold(p.token.word, w) }

// either reads conditions with "or" between them, which binds less than "and".
func (p *parser) either() (node, error) {
	left, err := p.both()
	for err == nil && p.is("or") {
		var right node
		if err = p.advance(); err == nil {
			right, err = p.both()
		}
		left = or{left, right}
	}
	return left, err
}

// both reads conditions with "and" between them.
func (p *parser) both() (node, error) {
	left, err := p.one()
	for err == nil && p.is("and") {
		var right node
		if err = p.advance(); err == nil {
			right, err = p.one()
		}
		left = and{left, right}
	}
	return left, err
}

// one reads a condition, or a filter in parentheses.
func (p *parser) one() (node, error) {
	negated := p.is("not")
	if negated {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.token.word != "(" {
			return nil, p.expected(`"(" behind "not"`)
		}
	}
	if p.token.kind != parenthesis || p.token.word != "(" {
		return p.condition()
	}
	if p.depth++; p.depth > mostDepth {
		return nil, p.fault("there are more than %d parentheses in each other", mostDepth)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	inner, err := p.either()
	if err != nil {
		return nil, err
	}
	if p.token.kind != parenthesis || p.token.word != ")" {
		return nil, p.expected(`"and", "or" or ")"`)
	}
	p.depth--
	if negated {
		inner = not{inner}
	}
	return inner, p.advance()
}

// condition reads a name, an operator and a value.
func (p *parser) condition() (node, error) {
	if p.conditions++; p.conditions > mostConditions {
		return nil, p.fault("there are more than %d conditions", mostConditions)
	}
	if p.token.kind != word {
		return nil, p.expected("a name")
	}
	i := slices.IndexFunc(p.fields, func(f Field) bool { return strings.EqualFold(f.Name, p.token.word) })
	if i < 0 {
		return nil, p.fault("%q can't be asked for; what can: %s", shortened(p.token.word), p.names())
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	field := p.fields[i]
	op := strings.ToLower(p.token.word)
	if p.token.kind != word || !slices.Contains(operators[field.Kind], op) {
		return nil, p.expected("an operator of " + field.Name + ": " + strings.Join(operators[field.Kind], ", "))
	}
	c := Condition{Field: field.Name, Op: op}
	if err := p.advance(); err != nil || op == Present {
		return c, err
	}
	empty := p.is("null") || field.Kind == Text && p.token.kind == quoted && p.token.word == ""
	if empty && (op == Equal || op == NotEqual) {
		c.Op = Present
		if op == NotEqual {
			return c, p.advance()
		}
		return not{c}, p.advance()
	}
	if err := p.value(&c, field); err != nil {
		return nil, err
	}
	return c, p.advance()
}

// names returns the names of the fields.
func (p *parser) names() string {
	var all []string
	for _, f := range p.fields {
		all = append(all, f.Name)
	}
	return strings.Join(all, ", ")
}

// value reads the value of a condition.
func (p *parser) value(c *Condition, f Field) error {
	switch f.Kind {
	case Text:
		if p.token.kind != quoted {
			return p.expected(`a string in " "`)
		}
		if c.fold = f.Fold; c.fold == nil {
			c.fold = foldCase
		}
		c.Text, c.Value = p.token.word, c.fold(p.token.word)
	case Bool:
		if !p.is("true") && !p.is("false") {
			return p.expected("true or false")
		}
		c.Value = p.is("true")
	case Number:
		var n float64
		if p.token.kind != word || p.is("null") || json.Unmarshal([]byte(p.token.word), &n) != nil {
			return p.expected("a number")
		}
		c.Value = n
	case Time:
		at, err := time.Parse(time.RFC3339, p.token.word)
		if p.token.kind != quoted || err != nil {
			return p.fault(`a time in " " should stand here, such as "2006-01-02T15:04:05Z"`)
		}
		c.Value = at
	}
	return nil
}
