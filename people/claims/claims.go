package claims

import (
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Claim is a row of the table of claims.
type Claim struct {
	// Name is the claim's name in tokens. One with a dot, as in address.locality, is a member
	// of the object that another claim has.
	Name string
	// Scope is the scope that asks for the claim. "" for claims of the protocol, and for members
	// of another claim.
	Scope string
	// Type is the claim's type in JSON.
	Type Type
	// Value returns the claim of a user, or nil when it is not known. It is nil for claims of the
	// protocol and members of another claim.
	Value func(u *storage.User) any
	// Text returns the text of a profile that the claim is made from; nil when it comes from
	// elsewhere. The profile has to have an Address.
	Text func(p *storage.Profile) *string
	// Editor is who may set Text, besides the administrator.
	Editor Editor
	// Upstream says that an upstream provider may fill Text when it is empty.
	Upstream bool
	// Form is the form that Text has to have.
	Form Form
	// Input is how the profile page asks for Text.
	Input Input
}

// Type is the type of a claim in JSON.
type Type string

// The types of claims.
const (
	String  Type = "string"
	Boolean Type = "boolean"
	Number  Type = "number"
	Object  Type = "object"
	List    Type = "list of strings"
)

// Editor is the role that may edit a claim.
type Editor int

const (
	// Computed claims follow from something else, and are not edited.
	Computed Editor = iota
	// Administrator sets it, by an import for example. Pages leave it as it is.
	Administrator
	// Owner is the user, on the profile page.
	Owner
)

// Input is how the profile page asks for a text.
type Input struct {
	Group Group
	Fill  string // the token for autocomplete
	Hint  string // the id of a text, or ""
}

// Group is the part of the profile page that has a field.
type Group int

// The groups of the profile page: the first is always open.
const (
	First Group = iota
	More
	Address
)

// Table is the claims of a server.
type Table struct {
	rows    []Claim
	byName  map[string]*Claim
	byScope map[string][]*Claim
}

// NewTable returns the table of the rows. It panics when two have the same name.
func NewTable(rows ...Claim) *Table {
	t := &Table{rows: rows, byName: map[string]*Claim{}, byScope: map[string][]*Claim{}}
	for i := range rows {
		c := &rows[i]
		if t.byName[c.Name] != nil {
			panic("claims: there is a second " + c.Name)
		}
		t.byName[c.Name] = c
		if c.Scope != "" {
			t.byScope[c.Scope] = append(t.byScope[c.Scope], c)
		}
	}
	return t
}

// With returns the table with more rows.
func (t *Table) With(rows ...Claim) *Table { return NewTable(slices.Concat(t.rows, rows)...) }

// All returns the rows in their order: that of the profile page.
func (t *Table) All() []Claim { return t.rows }

// Named returns the row of a claim, or nil.
func (t *Table) Named(name string) *Claim { return t.byName[name] }

// OfScope returns the claims that a scope asks for.
func (t *Table) OfScope(scope string) []*Claim { return t.byScope[scope] }

// ScopeOf returns the scope that asks for a claim; "" when none does.
func (t *Table) ScopeOf(name string) string {
	if c := t.byName[name]; c != nil {
		return c.Scope
	}
	return ""
}

// Scopes returns the scopes that ask for claims, in the order of the table.
func (t *Table) Scopes() []string {
	var all []string
	for _, c := range t.rows {
		if c.Scope != "" && !slices.Contains(all, c.Scope) {
			all = append(all, c.Scope)
		}
	}
	return all
}

// Protocol returns the names of the claims that the protocol sets. None of them tells anything
// about the user, and none can come from the user's record.
func (t *Table) Protocol() []string {
	return t.names(func(c *Claim) bool { return c.Protocol() })
}

// OfUsers returns the names of the claims about users.
func (t *Table) OfUsers() []string {
	return t.names(func(c *Claim) bool { return c.Value != nil })
}

// UpstreamNames returns the names of the claims that upstream providers fill.
func (t *Table) UpstreamNames() []string {
	return t.names(func(c *Claim) bool { return c.Upstream })
}

// names returns the names of the rows for which are returns true.
func (t *Table) names(are func(c *Claim) bool) []string {
	var all []string
	for i := range t.rows {
		if are(&t.rows[i]) {
			all = append(all, t.rows[i].Name)
		}
	}
	return all
}

// Protocol reports whether the protocol sets the claim.
func (c *Claim) Protocol() bool { return c.Value == nil && c.Text == nil }

// Member reports whether the row is a member of the object that another claim has.
func (c *Claim) Member() bool { return c.Value == nil && c.Text != nil }
