package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// printPlan prints the changes: a line for each client and each field.
func (a *app) printPlan(plan clients.Plan) {
	w := a.stdout
	a.noteNoChanges(len(plan))
	for _, ch := range plan {
		fmt.Fprintf(w, "%s client %s\n", ch.Op, ch.ClientID)
		printFields(w, ch.Fields)
	}
}

// printFields prints what changes about one thing: + for a field that is new, - for one that goes, ~ for another value.
func printFields(w io.Writer, fields diff.Fields) {
	for _, f := range fields {
		switch {
		case f.From == nil:
			fmt.Fprintf(w, "    + %s: %s\n", f.Name, legible(f.To))
		case f.To == nil:
			fmt.Fprintf(w, "    - %s: %s\n", f.Name, legible(f.From))
		default:
			fmt.Fprintf(w, "    ~ %s: %s -> %s\n", f.Name, legible(f.From), legible(f.To))
		}
	}
}

// legible returns the value of a field as people read it; JSON stays as it is.
func legible(v any) string {
	if raw, ok := v.(json.RawMessage); ok {
		return string(raw)
	}
	return fmt.Sprint(v)
}

// noteNoChanges tells the user if there are no changes, of which nothing else is printed.
func (a *app) noteNoChanges(changes int) {
	if changes == 0 {
		fmt.Fprintln(a.stderr, "There are no changes.")
	}
}

// printTenantPlan prints the changes: a line for each tenant and each field.
func (a *app) printTenantPlan(plan tenants.Plan) {
	w := a.stdout
	a.noteNoChanges(len(plan))
	for _, ch := range plan {
		fmt.Fprintf(w, "%s tenant %s\n", ch.Op, ch.ID)
		printFields(w, ch.Fields)
	}
}
