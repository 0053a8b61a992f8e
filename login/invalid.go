package login

import "github.com/vouchsafe/vouchsafe/login/texts"

// fault is what is wrong with one thing that a person entered.
type fault struct {
	Field string // its name in forms and JSON
	Text  string // the id of the text that says so; the API's code too
	Args  []any
}

// invalid says what is wrong with what a person entered. Pages show it beside the fields,
// the API as a list.
type invalid []fault

func (invalid) Error() string { return "invalid input" }

// invalidf is one fault.
func invalidf(field, text string, args ...any) error { return invalid{{field, text, args}} }

// of says what is wrong with a field, or "".
func (i invalid) of(w texts.Words, field string) string {
	for _, f := range i {
		if f.Field == field {
			return w.Must(f.Text, f.Args...)
		}
	}
	return ""
}
