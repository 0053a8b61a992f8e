// Package report tells an administrator what an import did not take: the first rows and reasons on the terminal, and
// each of them in a file.
package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/importing"
)

// Refusal is a row of a file, or a part of it, that was not imported, as the report has it.
type Refusal struct {
	Line int `json:"line"`
	// What is refused, left out (on purpose) or partly (the user was added without this).
	What       string `json:"what"`
	ID         string `json:"id,omitempty"`
	ExternalID string `json:"external_id,omitempty"`
	Email      string `json:"email,omitempty"`
	Name       string `json:"username,omitempty"`
	Reason     string `json:"reason"`
}

// Report collects what is not imported, for the terminal and for the report.
type Report struct {
	Place  string        // what Line counts; "" for lines
	file   *json.Encoder // nil: none is written
	all    int
	shown  []Refusal
	notes  []*note // in the order of their first lines
	byText map[string]*note
	more   int // notes of other texts than those
}

// note is a reason for which rows were left out, or lost a part.
type note struct {
	Refusal
	times int
}

const (
	// maxShown is how many refusals are printed.
	maxShown = 10
	// maxNotes is how many different notes are printed.
	maxNotes = 20
)

// Open opens the report, if a file is named. The caller calls closed in the end.
func Open(file string) (r *Report, closed func() error, err error) {
	r = &Report{byText: map[string]*note{}}
	if file == "" {
		return r, func() error { return nil }, nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // it has addresses
	if err != nil {
		return nil, nil, err
	}
	r.file = json.NewEncoder(f)
	r.file.SetEscapeHTML(false)
	return r, f.Close, nil
}

// Refuse adds a row that was refused.
func (r *Report) Refuse(row importing.Refusal) error {
	r.all++
	f := refusalOf(row, "refused")
	if len(r.shown) < maxShown {
		r.shown = append(r.shown, f)
	}
	return r.write(f)
}

// Note adds a row that was left out, or a part that a row lost.
func (r *Report) Note(row importing.Refusal) error {
	what := "partly"
	if row.LeftOut {
		what = "left out"
	}
	f := refusalOf(row, what)
	if n := r.byText[f.Reason]; n != nil {
		n.times++
	} else if len(r.notes) < maxNotes {
		n = &note{f, 1}
		r.notes, r.byText[f.Reason] = append(r.notes, n), n
	} else {
		r.more++
	}
	return r.write(f)
}

// refusalOf returns what the report says of a row.
func refusalOf(row importing.Refusal, what string) Refusal {
	return Refusal{
		Line: row.Line, What: what, ID: clip(row.Row.ID), ExternalID: clip(row.Row.ExternalID),
		Email: clip(row.Row.Email), Name: clip(row.Row.Username), Reason: Hinted(row.Why).Error(),
	}
}

// write writes a line of the report.
func (r *Report) write(f Refusal) error {
	if r.file == nil {
		return nil
	}
	if err := r.file.Encode(f); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// clip bounds what the report quotes of a row.
func clip(s string) string { return s[:min(len(s), 254)] }

// Print prints the first refusals, and how often there was each note.
func (r *Report) Print(w io.Writer) {
	place := cmp.Or(r.Place, "line")
	for _, f := range r.shown {
		fmt.Fprintf(w, "%s %d: %s\n", place, f.Line, terminal.Printable(f.Reason))
	}
	if more := r.all - len(r.shown); more > 0 {
		fmt.Fprintf(w, "and %d more: --report FILE has them all\n", more)
	}
	for _, n := range r.notes {
		others := ""
		if n.times > 1 {
			others = fmt.Sprintf(" and %d more", n.times-1)
		}
		fmt.Fprintf(w, "%s, %s %d%s: %s\n", n.What, place, n.Line, others, terminal.Printable(n.Reason))
	}
	if r.more > 0 {
		fmt.Fprintf(w, "and %d more of other kinds: --report FILE has them all\n", r.more)
	}
}

// hints names the flags that allow what otherwise is a fault, by the id of the fault.
var hints = map[string]string{
	"username.reserved":        "--reserved allows it",
	"roles.refused":            "--roles allows them",
	"password_salt.parameters": "give the parameters with --firebase FILE",
}

// Hinted returns the error with the flag that would prevent it, if there is one.
func Hinted(err error) error {
	if f, ok := errors.AsType[*importing.Fault](err); ok && hints[f.ID] != "" {
		return fmt.Errorf("%w: %s", err, hints[f.ID])
	}
	return err
}
