package people

import "time"

// Fault is what is wrong with one thing that was entered.
type Fault struct {
	Field string // its name in forms and in JSON
	Text  string // the id of the text that says so, which is the API's code too
	Args  []any  // of that text
}

// Faults says what is wrong with what was entered.
type Faults []Fault

func (Faults) Error() string { return "invalid input" }

// Invalid returns Faults with one fault.
func Invalid(field, text string, args ...any) error { return Faults{{field, text, args}} }

// Refusal is the reason why nothing was done: the id of the text that says it to the user.
type Refusal string

func (r Refusal) Error() string { return "refused: " + string(r) }

// ErrWrongCode is every reason why a code or link does not work: it never existed, is for
// something else, was used, replaced, tried too often, or is too old.
const ErrWrongCode = Refusal("confirm.wrong")

// ErrChangedMeanwhile says that another request changed the account at the same time.
const ErrChangedMeanwhile = Refusal("account.other")

// Limited says that an attempt came too early.
type Limited struct{ Wait time.Duration }

func (*Limited) Error() string { return "too many attempts" }
