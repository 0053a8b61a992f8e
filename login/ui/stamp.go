package ui

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/login/texts"
)

// Stamp is a time for users and for programs.
type Stamp struct{ Text, Machine string }

// StampOf returns t in words and as RFC 3339.
func StampOf(w texts.Words, t time.Time) Stamp {
	return Stamp{w.Moment(t), t.UTC().Format(time.RFC3339)}
}

// TimeIn returns the text with the given id, with a time in it that static/page.js shows in the browser's zone.
func (v *View) TimeIn(id string, at Stamp) (template.HTML, error) {
	const place = "\uFFFC"
	text, err := v.Words.Say(id, place)
	element := fmt.Sprintf("<time datetime=%q>%s</time>", at.Machine, template.HTMLEscapeString(at.Text))
	return template.HTML(strings.Replace(template.HTMLEscapeString(text), place, element, 1)), err
}
