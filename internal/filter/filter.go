package filter

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Kind is what the values of a field are.
type Kind int

// Kinds of fields.
const (
	Text Kind = iota // without case
	Bool
	Number
	Time
)

// Field is what a filter can ask about.
type Field struct {
	Name string
	Kind Kind
	// Fold returns texts as they are compared; nil compares them without case.
	Fold func(string) string
}

// Exact is the Fold of texts in which case matters.
func Exact(s string) string { return s }

// Operators of conditions.
const (
	Equal      = "eq"
	NotEqual   = "ne"
	Contains   = "co"
	StartsWith = "sw"
	EndsWith   = "ew"
	Greater    = "gt"
	NotLess    = "ge"
	Less       = "lt"
	NotGreater = "le"
	Present    = "pr"
)

// operators are those of each kind.
var operators = map[Kind][]string{
	Text: {Equal, NotEqual, Contains, StartsWith, EndsWith, Greater, NotLess, Less, NotGreater, Present},
	Bool: {Equal, NotEqual, Present}, Number: {Equal, NotEqual, Greater, NotLess, Less, NotGreater, Present},
	Time: {Equal, NotEqual, Greater, NotLess, Less, NotGreater, Present},
}

// Condition is a comparison of a field with a value.
type Condition struct {
	Field string // as the table of fields names it
	Op    string
	// Text is the value of a text field, as it was written.
	Text string
	// Value is a bool, a float64 or a time.Time, or the text as it is compared. It is nil with Present.
	Value any

	fold func(string) string
}

// Filter is a filter that was read. The zero Filter matches all records.
type Filter struct{ root node }

// node is a part of a filter.
type node interface {
	// matches reports whether a record matches.
	matches(r *reading) bool
}

type (
	and struct{ left, right node }
	or  struct{ left, right node }
	not struct{ of node }
)

func (n and) matches(r *reading) bool { return n.left.matches(r) && n.right.matches(r) }
func (n or) matches(r *reading) bool  { return n.left.matches(r) || n.right.matches(r) }
func (n not) matches(r *reading) bool { return !n.of.matches(r) }

// reading is a record that is compared. Each field is folded once, however many conditions ask about it.
type reading struct {
	values func(field string) []any
	folded map[string][]any
}

// compared returns the values of the condition's field as they are compared. Those of the record stay as they are.
func (r *reading) compared(c Condition) []any {
	if found, ok := r.folded[c.Field]; ok {
		return found
	}
	var found []any
	for _, v := range r.values(c.Field) {
		if v == "" {
			continue
		}
		if text, ok := v.(string); ok && c.fold != nil {
			v = c.fold(text)
		}
		found = append(found, v)
	}
	r.folded[c.Field] = found
	return found
}

// Match reports whether a record matches. values returns the values of a field: strings, bools, float64s or
// time.Times; none if the record has none. A condition holds if it does for one of them, and NotEqual if Equal does
// for none.
func (f Filter) Match(values func(field string) []any) bool {
	return f.root == nil || f.root.matches(&reading{values, map[string][]any{}})
}

func (c Condition) matches(r *reading) bool {
	switch c.Op {
	case Present:
		return slices.ContainsFunc(r.values(c.Field), func(v any) bool { return v != "" })
	case NotEqual:
		return !slices.ContainsFunc(r.compared(c), func(v any) bool { return c.holds(Equal, v) })
	}
	return slices.ContainsFunc(r.compared(c), func(v any) bool { return c.holds(c.Op, v) })
}

// holds reports whether the operator holds between a value of a record, as it is compared, and that of the condition.
func (c Condition) holds(op string, value any) bool {
	if text, ok := value.(string); ok && c.fold != nil {
		switch wanted := c.Value.(string); op {
		case Contains:
			return strings.Contains(text, wanted)
		case StartsWith:
			return strings.HasPrefix(text, wanted)
		case EndsWith:
			return strings.HasSuffix(text, wanted)
		}
	}
	order, ok := compare(value, c.Value)
	if !ok {
		return false
	}
	switch op {
	case Equal:
		return order == 0
	case Greater:
		return order > 0
	case NotLess:
		return order >= 0
	case Less:
		return order < 0
	}
	return op == NotGreater && order <= 0
}

// compare compares two values of one type.
func compare(a, b any) (order int, ok bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return cmp.Compare(a, b), ok
	case float64:
		b, ok := b.(float64)
		return cmp.Compare(a, b), ok
	case time.Time:
		b, ok := b.(time.Time)
		return a.Compare(b), ok
	case bool:
		b, ok := b.(bool)
		if a != b {
			return 1, ok
		}
		return 0, ok
	}
	return 0, false
}

// foldCase returns the text without case.
func foldCase(s string) string { return cases.Fold().String(norm.NFC.String(s)) }

// Must returns conditions that every record that matches meets.
func (f Filter) Must() []Condition { return must(f.root) }

func must(n node) []Condition {
	switch n := n.(type) {
	case Condition:
		return []Condition{n}
	case and:
		return append(must(n.left), must(n.right)...)
	}
	return nil
}

// AsksFor reports whether the filter has a condition on one of the fields.
func (f Filter) AsksFor(fields ...string) bool { return asksFor(f.root, fields) }

func asksFor(n node, fields []string) bool {
	switch n := n.(type) {
	case Condition:
		return slices.Contains(fields, n.Field)
	case and:
		return asksFor(n.left, fields) || asksFor(n.right, fields)
	case or:
		return asksFor(n.left, fields) || asksFor(n.right, fields)
	case not:
		return asksFor(n.of, fields)
	}
	return false
}

// Plan returns spans of an index such that every record that matches is in one of them, and reports whether there are
// any. spanOf returns the span of a condition and how many records are in it by its kind, the more the greater; 0 if no
// index serves the condition.
func Plan[S any](f Filter, spanOf func(Condition) (S, int)) (spans []S, ok bool) {
	spans, weight := plan(f.root, spanOf)
	return spans, weight > 0
}

func plan[S any](n node, spanOf func(Condition) (S, int)) (spans []S, weight int) {
	switch n := n.(type) {
	case Condition:
		if span, weight := spanOf(n); weight > 0 {
			return []S{span}, weight
		}
	case and: // either will do
		left, l := plan(n.left, spanOf)
		right, r := plan(n.right, spanOf)
		if r == 0 || l > 0 && l <= r {
			return left, l
		}
		return right, r
	case or: // both are needed
		left, l := plan(n.left, spanOf)
		right, r := plan(n.right, spanOf)
		if l > 0 && r > 0 {
			return append(left, right...), l + r
		}
	}
	return nil, 0
}
