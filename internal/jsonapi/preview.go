package jsonapi

import "github.com/vouchsafe/vouchsafe/internal/diff"

// Preview is the answer to a request that asked what it would change (dry_run=true). An operation returns it as
// its error, in the place of a change.
type Preview struct {
	DryRun  bool        `json:"dry_run" doc:"Always true: nothing was changed."`
	Changes []Different `json:"changes" doc:"What would change, in the order of the members."`
}

// Different is a member that would change.
type Different struct {
	Name string `json:"name" doc:"The member."`
	From any    `json:"from,omitempty" doc:"What it is now; missing if it is new."`
	To   any    `json:"to,omitempty" doc:"What it would be; missing if it would be removed."`
}

// Error implements error.
func (*Preview) Error() string { return "nothing was changed" }

// PreviewOf returns the Preview of changes.
func PreviewOf(fields diff.Fields) *Preview {
	p := &Preview{DryRun: true, Changes: []Different{}}
	for _, f := range fields {
		p.Changes = append(p.Changes, Different(f))
	}
	return p
}

// Located is an output that may stand for something new, and then knows its URL. "" is none.
type Located interface{ Location() string }
