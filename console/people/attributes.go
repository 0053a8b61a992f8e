package people

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/storage"
)

// attributePrefix begins the names of fields of attributes.
const attributePrefix = "attributes."

// attributeFields returns a field for each attribute that the tenant declares, with the user's values.
func attributeFields(c *console.Call, u storage.User, keeps bool) (all []console.Field) {
	for _, a := range c.Tenant().Settings.Attributes {
		f := console.Field{Name: attributePrefix + a.Name, Title: cmp.Or(a.Title, a.Name), Keeps: keeps,
			Value: attributeText(u.Attributes[a.Name]), Max: 1000}
		switch a.Type {
		case storage.AttributeBoolean:
			f.Kind, f.Checked, f.Value = "checkbox", f.Value == "1", ""
		case storage.AttributeDate:
			f.Kind = "date"
		case storage.AttributeList:
			f.Kind, f.Hint, f.Max = "textarea", "people.list_hint", 0
		}
		f.Required = a.Required && f.Kind != "checkbox"
		all = append(all, f)
	}
	return all
}

// attributeText returns the value of an attribute as a form has it: a list with a line for each entry.
func attributeText(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case bool:
		return flag(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case json.Number:
		return value.String()
	case []any:
		lines := make([]string, len(value))
		for i, v := range value {
			lines[i] = attributeText(v)
		}
		return strings.Join(lines, "\n")
	}
	return fmt.Sprint(value)
}

// attributesTyped returns the values of the form that was posted, by the names of the attributes: nil for none. A text
// that is no number stays a text, which the use case refuses.
func attributesTyped(c *console.Call, u storage.User) map[string]any {
	values := map[string]any{}
	for _, a := range c.Tenant().Settings.Attributes {
		text := c.Value(attributePrefix + a.Name)
		number, err := strconv.ParseFloat(text, 64)
		switch {
		case a.Type == storage.AttributeBoolean && (text == "1" || u.Attributes[a.Name] != nil || a.Required):
			values[a.Name] = text == "1"
		case text == "":
			values[a.Name] = nil
		case a.Type == storage.AttributeNumber && err == nil:
			values[a.Name] = number
		case a.Type == storage.AttributeList:
			var list []any
			for line := range strings.SplitSeq(text, "\n") {
				if line = strings.TrimSpace(line); line != "" {
					list = append(list, line)
				}
			}
			values[a.Name] = list
		default:
			values[a.Name] = text
		}
	}
	return values
}

// formNames returns the names of the fields of the form about a user, which keep what was typed.
func formNames(c *console.Call) []string {
	all := slices.Clone(fieldNames)
	for _, a := range c.Tenant().Settings.Attributes {
		all = append(all, attributePrefix+a.Name)
	}
	return all
}
