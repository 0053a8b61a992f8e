package terminal

import (
	"encoding/json"
	"fmt"

	"github.com/vouchsafe/vouchsafe/internal/diff"
)

// Change is what a command that applies a file does to one client or tenant.
type Change struct {
	Op, Kind, ID string // adds client web
	Fields       diff.Fields
}

// PrintChanges prints a line for each change and each of its fields: + for a field that is new, - for one that goes, ~
// for another value. If there are no changes, it says so on Err.
func (t *Terminal) PrintChanges(changes []Change) {
	if len(changes) == 0 {
		fmt.Fprintln(t.Err, "There are no changes.")
	}
	for _, c := range changes {
		fmt.Fprintf(t.Out, "%s %s %s\n", c.Op, c.Kind, c.ID)
		for _, f := range c.Fields {
			switch {
			case f.From == nil:
				fmt.Fprintf(t.Out, "    + %s: %s\n", f.Name, legible(f.To))
			case f.To == nil:
				fmt.Fprintf(t.Out, "    - %s: %s\n", f.Name, legible(f.From))
			default:
				fmt.Fprintf(t.Out, "    ~ %s: %s -> %s\n", f.Name, legible(f.From), legible(f.To))
			}
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
