// Package groups is the console's place for groups and roles: who belongs to a group, and what it opens; the roles of
// apps and APIs, and who has them.
package groups

import (
	"cmp"
	"embed"
	"errors"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var templates embed.FS

// Config is what the place calls. All fields are required.
type Config struct {
	Accounts *administration.Accounts
	Clients  storage.Clients
	Tenants  storage.Tenants
}

// place serves the pages.
type place struct{ Config }

const (
	root      = "/groups"
	groupPage = root + "/group"
	rolesPage = root + "/roles"
	rolePage  = root + "/role"
)

// Scopes, as the operations of the management API need them.
var (
	read  = []string{"groups:read"}
	write = []string{"groups:read", "groups:write"}
)

// titleOf returns what pages call the group.
func titleOf(g storage.Group) string { return cmp.Or(g.Title, g.ID) }

// groupOf returns the group that the request names.
func (p place) groupOf(c *console.Call) (storage.Group, error) {
	return p.Accounts.Store.Group(c.Context(), c.Tenant().ID, c.FormValue("id"))
}

// said returns faults of the use cases as faults of fields, in the reader's language; other errors as they are.
func said(c *console.Call, err error, taken string) error {
	if errors.Is(err, storage.ErrExists) {
		return c.Wrong(taken, "groups.fault.taken")
	}
	all, ok := errors.AsType[importing.Faults](err)
	if !ok {
		return err
	}
	var faults console.Faults
	for _, f := range all {
		switch f.ID {
		case "group.form":
			faults = append(faults, console.Fault{Field: "id", Text: c.T("groups.fault.id")})
		case "role.form":
			faults = append(faults, console.Fault{Field: "name", Text: c.T("groups.fault.role")})
		default:
			faults = append(faults, console.Fault{Field: "title", Text: c.T("groups.fault.title")})
		}
	}
	return faults
}

// formPage is a page with one form.
type formPage struct {
	Lead, Action, Button string
	Form                 console.Form
	ID                   string // a hidden field
}
