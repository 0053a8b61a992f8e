package attributes

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	maxText = 1024 // bytes, of one text
	maxList = 100  // texts in a list
)

// Checked are the values of a user after checks.
type Checked struct {
	Values map[string]any    // as storage.User has them
	Unique map[string]string // as storage.Change has them
}

// Change returns the user's values with some of them set, and those that are nil removed. It judges all of them,
// and forgets values of attributes that are not declared any more. All that is wrong is one error of type Faults.
func Change(declared []storage.Attribute, values, set map[string]any) (Checked, error) {
	all := maps.Clone(values)
	if all == nil {
		all = map[string]any{}
	}
	var fs Faults
	for name, v := range set {
		if !slices.ContainsFunc(declared, func(a storage.Attribute) bool { return a.Name == name }) {
			fs = append(fs, Fault{name, "is no attribute: tenants.yaml declares them under attributes"})
		}
		all[name] = v
	}
	c, err := check(declared, all)
	fs = append(fs, err...)
	slices.SortFunc(fs, func(a, b Fault) int { return strings.Compare(a.Name, b.Name) })
	if len(fs) > 0 {
		return Checked{}, fs
	}
	return c, nil
}

// check judges the values of the declared attributes.
func check(declared []storage.Attribute, values map[string]any) (c Checked, fs Faults) {
	c = Checked{map[string]any{}, map[string]string{}}
	for _, a := range declared {
		v := values[a.Name]
		if v == nil || v == "" {
			if a.Required {
				fs = append(fs, Fault{a.Name, "is missing"})
			}
			continue
		}
		v, wrong := checkValue(a, v)
		if wrong != "" {
			fs = append(fs, Fault{a.Name, wrong})
			continue
		}
		c.Values[a.Name] = v
		if a.Unique {
			c.Unique[a.Name] = Text(v)
		}
	}
	return c, fs
}

// checkValue returns the value as it is stored, or what is wrong with it.
func checkValue(a storage.Attribute, v any) (stored any, wrong string) {
	switch a.Type {
	case storage.AttributeNumber:
		return checkNumber(v)
	case storage.AttributeBoolean:
		if _, ok := v.(bool); !ok {
			return nil, "must be true or false"
		}
		return v, ""
	case storage.AttributeList:
		return checkList(a, v)
	}
	text, ok := v.(string)
	if !ok {
		return nil, "must be a text"
	}
	if a.Type == storage.AttributeDate {
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, "must be a date, such as 2006-01-31"
		}
		return text, ""
	}
	return text, checkText(a, text)
}

func checkNumber(v any) (stored any, wrong string) {
	var n float64
	switch v := v.(type) {
	case float64:
		n = v
	case int:
		n = float64(v)
	case json.Number:
		parsed, err := v.Float64()
		if err != nil {
			return nil, "must be a number"
		}
		n = parsed
	default:
		return nil, "must be a number"
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, "must be a number"
	}
	return n, ""
}

// checkList judges a list of texts.
func checkList(a storage.Attribute, v any) (stored any, wrong string) {
	var list []any
	switch v := v.(type) {
	case []any:
		list = v
	case []string:
		for _, text := range v {
			list = append(list, text)
		}
	default:
		return nil, "must be a list of texts"
	}
	if len(list) > maxList {
		return nil, fmt.Sprintf("must have at most %d texts", maxList)
	}
	for _, entry := range list {
		text, ok := entry.(string)
		if !ok {
			return nil, "must be a list of texts"
		}
		if wrong := checkText(a, text); wrong != "" {
			return nil, wrong
		}
	}
	return list, ""
}

// checkText returns what is wrong with a text.
func checkText(a storage.Attribute, text string) string {
	switch {
	case len(text) > maxText || !utf8.ValidString(text):
		return fmt.Sprintf("must be a text of at most %d bytes", maxText)
	case strings.ContainsFunc(text, unicode.IsControl):
		return "must not have control characters"
	case a.Pattern != "" && !matches(a.Pattern, text):
		return "must match " + a.Pattern
	}
	return ""
}

// Parse returns the value that a text at the command line or in a form stands for; nil for "". A text that is no
// value of the attribute is returned as it is, for Change to refuse.
func Parse(a storage.Attribute, text string) any {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	switch a.Type {
	case storage.AttributeNumber:
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	case storage.AttributeBoolean:
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	case storage.AttributeList:
		var list []any
		for entry := range strings.SplitSeq(text, ",") {
			if entry = strings.TrimSpace(entry); entry != "" {
				list = append(list, entry)
			}
		}
		return list
	}
	return text
}

// Text is the reverse of Parse.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		texts := make([]string, len(v))
		for i, entry := range v {
			texts[i] = fmt.Sprint(entry)
		}
		return strings.Join(texts, ", ")
	}
	return fmt.Sprint(v)
}

// Visible returns the values that the user may see.
func Visible(declared []storage.Attribute, values map[string]any) map[string]any {
	visible := map[string]any{}
	for _, a := range declared {
		if v, ok := values[a.Name]; ok && a.See == storage.ByOwner {
			visible[a.Name] = v
		}
	}
	return visible
}
