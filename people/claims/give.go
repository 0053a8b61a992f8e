package claims

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Bounds of what rules add, in bytes of JSON. Tokens travel in headers, which many servers bound at 8 KiB.
const (
	maxInToken  = 4 << 10
	maxInAnswer = 64 << 10
)

// The reasons for which a claim is not given.
var (
	errReserved = errors.New("the protocol sets this claim")
	errPlace    = errors.New("the rule doesn't name this place")
	errNoScope  = errors.New("the rule has no scope, and users of a client without first_party consent to scopes")
	// errOtherScope is for clients whose users consent.
	errOtherScope = errors.New("users who consent to the rule's scope don't know that the app sees this: give the rule " +
		"a scope for it")
	errScope = errors.New("its scope isn't among those asked for")
)

// Given is a claim that a rule gives: its name, and its value in JSON.
type Given struct {
	Claim string
	Value json.RawMessage
}

// Give returns what rules add to what a client gets, in the order of the rules. A claim is given whole or not
// at all: those that do not fit are left out, and named in s.TooLarge.
func (s *Subject) Give(a Ask) []Given {
	given, tooLarge := s.give(a)
	s.TooLarge = append(s.TooLarge, tooLarge...)
	return given
}

// give returns the claims that are given, and the names of those that do not fit.
func (s *Subject) give(a Ask) (given []Given, tooLarge []string) {
	left := maxInToken
	if a.In == InUserinfo || a.In == InIntrospection {
		left = maxInAnswer
	}
	rules := s.Rules()
	n := len(rules.tenant) + len(rules.client)
	if n == 0 {
		return nil, nil
	}
	// Of all claims and values, so that few allocations are made: most values are short.
	given, buf := make([]Given, 0, n), make([]byte, 0, 32*n)
	for r := range rules.All {
		if s.withheld(r, a) != nil {
			continue
		}
		start := len(buf)
		buf = s.appendValue(buf, r, a)
		v := json.RawMessage(buf[start:len(buf):len(buf)])
		size := len(r.Claim) + len(v) + len(`"":,`)
		switch {
		case len(v) == 0:
		case size > left:
			tooLarge = append(tooLarge, r.Claim)
		default:
			left -= size
			given = append(given, Given{r.Claim, v})
		}
	}
	return given, tooLarge
}

// withheld says why the client does not get the claim of a rule, whatever its value is; nil if it does.
func (s *Subject) withheld(r *storage.ClaimRule, a Ask) error {
	scope := scopeOf(r)
	switch {
	case isReserved(r.Claim):
		return errReserved
	case !slices.Contains(placesOf(r, s.Client), a.In):
		return errPlace
	case scope == "" && aboutUsers(r) && (s.Client == nil || !s.Client.FirstParty):
		return errNoScope
	case !Covers(scope, r) && (s.Client == nil || !s.Client.FirstParty):
		return errOtherScope
	case scope != "" && !slices.Contains(a.Scopes, scope) && !slices.Contains(a.Claims, r.Claim):
		return errScope
	}
	return nil
}

// Covers reports whether users who consent to a scope know that the client sees the source of a rule. A built-in scope
// has words for its own claims alone. Any other scope is the tenant's, which says what it is for.
func Covers(scope string, r *storage.ClaimRule) bool {
	if !aboutUsers(r) || Standard.OfScope(scope) == nil {
		return true
	}
	name, ok := strings.CutPrefix(r.From, sourceProfile+".")
	if c := Standard.Named(name); c != nil && c.Member() {
		name, _, _ = strings.Cut(name, ".")
	}
	return ok && Standard.ScopeOf(name) == scope
}

// appendValue appends the value of a rule in JSON; nothing if it is not known.
func (s *Subject) appendValue(to []byte, r *storage.ClaimRule, a Ask) []byte {
	if r.Value != nil {
		return append(to, r.Value...)
	}
	v := shape(r, s.read(r.From, a))
	if v == nil {
		return to
	}
	to, _ = appendJSON(to, v) // a text, a list, a truth value, a number or an address always has a form in JSON
	return to
}

// shape returns the value as the rule wants it, or nil.
func shape(r *storage.ClaimRule, v any) any {
	list, isList := v.([]string)
	if isList {
		list = withPrefix(list, r.Prefix, r.StripPrefix)
		v = list
	}
	switch {
	case v == nil:
		return nil
	case r.As == AsList && !isList:
		return []string{textOf(v)}
	case r.As == AsString && isList:
		return text(strings.Join(list, " "))
	case r.As == AsString:
		return textOf(v)
	}
	return v
}

// textOf returns a text, a truth value or a number as text.
func textOf(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// withPrefix returns the elements that begin with the prefix, without it if strip is set. It is never nil: a
// list without elements is [] in JSON.
func withPrefix(list []string, prefix string, strip bool) []string {
	kept := make([]string, 0, len(list))
	for _, s := range list {
		rest, ok := strings.CutPrefix(s, prefix)
		switch {
		case !ok:
		case strip:
			kept = append(kept, rest)
		default:
			kept = append(kept, s)
		}
	}
	return kept
}

// Append returns a JSON object with further members. None of them may be among its own.
func Append(object []byte, given []Given) []byte {
	size := 0
	for _, g := range given {
		size += len(g.Claim) + len(g.Value) + len(`"":,`)
	}
	object = slices.Grow(object, size)
	for _, g := range given {
		object = object[:len(object)-1]
		if object[len(object)-1] != '{' {
			object = append(object, ',')
		}
		object = append(append(appendText(object, g.Claim), ':'), g.Value...)
		object = append(object, '}')
	}
	return object
}

// Encode returns claims as a JSON object, whose members are in the order of their names, as json.Marshal does.
func Encode(all map[string]any) (object []byte, err error) {
	names := make([]string, 0, 32)
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	object = append(make([]byte, 0, 1024), '{')
	for i, name := range names {
		if i > 0 {
			object = append(object, ',')
		}
		object = append(appendText(object, name), ':')
		if object, err = appendJSON(object, all[name]); err != nil {
			return nil, fmt.Errorf("claim %q: %w", name, err)
		}
	}
	return append(object, '}'), nil
}

// appendJSON appends a value as JSON. Most are of the kinds that need no reflection, which takes three times as long.
func appendJSON(to []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendText(to, v), nil
	case int64:
		return strconv.AppendInt(to, v, 10), nil
	case bool:
		return strconv.AppendBool(to, v), nil
	case []string:
		to = append(to, '[')
		for i, one := range v {
			if i > 0 {
				to = append(to, ',')
			}
			to = appendText(to, one)
		}
		return append(to, ']'), nil
	}
	raw, err := json.Marshal(v)
	return append(to, raw...), err
}

// appendText appends a text as JSON. Most texts need no escaping, for which json.Marshal would allocate.
func appendText(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			raw, _ := json.Marshal(s) // a text always has a form in JSON
			return append(to, raw...)
		}
	}
	return append(append(append(to, '"'), s...), '"')
}
