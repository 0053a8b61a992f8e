package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/importing"
)

// refusal is a row of a file, or a part of it, that was not imported, as the report has it.
type refusal struct {
	Line int `json:"line"`
	// What is refused, left out (on purpose) or partly (the user was added without this).
	What       string `json:"what"`
	ID         string `json:"id,omitempty"`
	ExternalID string `json:"external_id,omitempty"`
	Email      string `json:"email,omitempty"`
	Name       string `json:"username,omitempty"`
	Reason     string `json:"reason"`
}

// importReport collects what is not imported, for the terminal and for the report.
type importReport struct {
	file   *json.Encoder // nil: none is written
	all    int
	shown  []refusal
	notes  []*note // in the order of their first lines
	byText map[string]*note
	more   int // notes of other texts than those
}

// note is a reason for which rows were left out, or lost a part.
type note struct {
	refusal
	times int
}

const (
	// maxShown is how many refusals are printed.
	maxShown = 10
	// maxNotes is how many different notes are printed.
	maxNotes = 20
)

// openReport opens the report, if a file is named. The caller calls closed in the end.
func openReport(file string) (r *importReport, closed func() error, err error) {
	r = &importReport{byText: map[string]*note{}}
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

// refuse adds a row that was refused.
func (r *importReport) refuse(row importing.Refusal) error {
	r.all++
	f := refusalOf(row, "refused")
	if len(r.shown) < maxShown {
		r.shown = append(r.shown, f)
	}
	return r.write(f)
}

// note adds a row that was left out, or a part that a row lost.
func (r *importReport) note(row importing.Refusal) error {
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
func refusalOf(row importing.Refusal, what string) refusal {
	return refusal{
		Line: row.Line, What: what, ID: clip(row.Row.ID), ExternalID: clip(row.Row.ExternalID),
		Email: clip(row.Row.Email), Name: clip(row.Row.Username), Reason: hinted(row.Why).Error(),
	}
}

// write writes a line of the report.
func (r *importReport) write(f refusal) error {
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

// print prints the first refusals, and how often there was each note.
func (r *importReport) print(w io.Writer) {
	for _, f := range r.shown {
		fmt.Fprintf(w, "line %d: %s\n", f.Line, terminal.Printable(f.Reason))
	}
	if more := r.all - len(r.shown); more > 0 {
		fmt.Fprintf(w, "and %d more: --report FILE has them all\n", more)
	}
	for _, n := range r.notes {
		others := ""
		if n.times > 1 {
			others = fmt.Sprintf(" and %d more", n.times-1)
		}
		fmt.Fprintf(w, "%s, line %d%s: %s\n", n.What, n.Line, others, terminal.Printable(n.Reason))
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

// hinted returns the error with the flag that would prevent it, if there is one.
func hinted(err error) error {
	if f, ok := errors.AsType[*importing.Fault](err); ok && hints[f.ID] != "" {
		return fmt.Errorf("%w: %s", err, hints[f.ID])
	}
	return err
}
