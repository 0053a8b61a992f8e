package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// Field is one field of a form, for the template "field". Call.Field completes it.
type Field struct {
	Name, Label, Hint string // the last two are ids of texts, and "" is no hint
	// Title is the label in words, in place of the id Label: an administrator's own.
	Title string
	// Kind is that of an input, such as text, email, tel, url, number, checkbox, password or file; or textarea or select.
	Kind     string
	Value    string
	Options  []Option // of a select
	Checked  bool     // of a checkbox
	Required bool
	Max      int    // the longest value, in characters; 0 for any
	Complete string // the attribute autocomplete; "" for off
	List     string // the id of a datalist
	// Check is the page that says, while the user types, what is wrong with the value: see static/console.js.
	Check string

	Fault     string
	Was       string // the stored value, for ChangedFields
	Keeps     bool   // Was is set
	Autofocus bool
}

// Option is one that a select offers.
type Option struct {
	Value, Text string
	Selected    bool
}

// ID returns the id of the field's element.
func (f Field) ID() string { return "f-" + f.Name }

// Form is the fields of a form, for the templates "faults" and "fields".
type Form struct{ Fields []Field }

// Faulty returns the fields with faults.
func (f Form) Faulty() (all []Field) {
	for _, field := range f.Fields {
		if field.Fault != "" {
			all = append(all, field)
		}
	}
	return all
}

// Form completes fields: it looks up their texts, and adds what the user typed before the form was refused and what is
// wrong with it. The first field with a fault is focused.
func (c *Call) Form(fields ...Field) Form {
	faults, focused := ui.FaultsOf(c.Request), false
	refused := ui.WasRefused(c.Request)
	for i := range fields {
		f := &fields[i]
		f.Was = f.Value
		if f.Kind == "checkbox" {
			f.Was = ""
			if f.Checked {
				f.Was = "1"
			}
		}
		if f.Title != "" {
			f.Label = f.Title
		} else {
			f.Label = c.T(f.Label)
		}
		if f.Hint != "" {
			f.Hint = c.T(f.Hint)
		}
		if f.Kind == "" {
			f.Kind = "text"
		}
		if f.Complete == "" {
			f.Complete = "off"
		}
		f.Fault = faults.Fault(f.Name)
		typed := ui.Typed(c.Request, f.Name, f.Value)
		switch {
		case f.Kind == "password":
		case f.Kind == "checkbox" && refused:
			f.Checked = ui.Typed(c.Request, f.Name, "") == "1"
		default:
			f.Value = typed
		}
		for j := range f.Options {
			f.Options[j].Selected = f.Options[j].Value == f.Value
		}
		if f.Fault != "" && !focused {
			f.Autofocus, focused = true, true
		}
	}
	return Form{fields}
}

// Value returns a field of the form that was posted, without space around it.
func (c *Call) Value(name string) string { return strings.TrimSpace(c.PostForm.Get(name)) }

// ChangedFields returns faults for fields that another administrator has changed since the form was shown: now are the
// stored values, by the names of the fields. The form has to have been made with Keeps, so that it says what the
// values were. The faults show the second administrator what was changed, and nothing is overwritten.
func (c *Call) ChangedFields(now map[string]string) Faults {
	var faults Faults
	for name, value := range now {
		was, shown := c.PostForm["was."+name]
		if shown && was[0] != value && c.Value(name) != value {
			if value == "" {
				faults = append(faults, Fault{name, c.T("console.emptied")})
			} else {
				faults = append(faults, Fault{name, c.T("console.changed", value)})
			}
		}
	}
	return faults
}

// Fault is what is wrong with a field, in words.
type Fault struct{ Field, Text string }

// Faults are what is wrong with a form.
type Faults []Fault

// Error implements error.
func (Faults) Error() string { return "invalid input" }

// Wrong returns Faults with one: text is the id of a text.
func (c *Call) Wrong(field, text string, args ...any) error {
	return Faults{{field, c.T(text, args...)}}
}

// Refuse redirects to the page of the form, which says what is wrong by err beside the fields. keep are the names of
// the fields that keep what was typed: never a password. An error that no field can show is returned.
func (c *Call) Refuse(err error, keep ...string) error {
	said := map[string]string{}
	var own Faults
	var faults people.Faults
	switch {
	case errors.As(err, &own):
		for _, f := range own {
			said[f.Field] = f.Text
		}
	case errors.As(err, &faults):
		for _, f := range faults {
			said[f.Field] = c.T(f.Text, f.Args...)
		}
	default:
		return err
	}
	return c.config.Site.RefuseSaying(c.W, c.Request, c.from(), http.StatusUnprocessableEntity, said[""], said, keep...)
}

// Confirm is a page that says what a change will do, before it is made.
type Confirm struct {
	// Title, Lead and Will are in words: what is done to what, and its consequences one by one.
	Title, Lead string
	Will        []string
	Button      string
	Danger      bool
	Final       bool // it can't be undone, and nothing of Will says so
	Form        Form
	Hidden      map[string]string // fields that the button sends
	Action      string            // a path as To returns it; "" for the path of the page itself
	Back        string            // where "Cancel" leads, as To returns it
}

// Confirm shows the page. What it posts goes to the same path, or to Action.
func (c *Call) Confirm(p Confirm) error {
	v := c.View("console.confirm")
	v.Title = p.Title
	if p.Final {
		p.Will = append(slices.Clone(p.Will), c.T("console.final"))
	}
	if p.Action == "" {
		p.Action = c.URL.Path
	}
	v.Page = p
	return c.render(http.StatusOK, nil, "confirm", v)
}
