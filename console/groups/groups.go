// Package groups is the console's place for groups and roles: who belongs to a group, and what it opens; the roles of
// apps and APIs, and who has them.
package groups

import (
	"cmp"
	"embed"
	"errors"
	"net/http"

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

// Part returns the place.
func (c Config) Part() console.Part {
	p := place{c}
	get, post := http.MethodGet, http.MethodPost
	return console.Part{Place: "groups", Templates: templates, Pages: []console.Page{
		{Method: get, Path: root, Scopes: read, Serve: p.list},
		{Method: get, Path: root + "/add", Scopes: write, Serve: p.addPage},
		{Method: post, Path: root + "/add", Scopes: write, Serve: p.add},
		{Method: get, Path: groupPage, Scopes: read, Serve: p.group},
		{Method: get, Path: root + "/edit", Scopes: write, Serve: p.editPage},
		{Method: post, Path: root + "/edit", Scopes: write, Serve: p.edit},
		{Method: get, Path: root + "/remove", Scopes: write, Fresh: true, Serve: p.removePage},
		{Method: post, Path: root + "/remove", Scopes: write, Fresh: true, Serve: p.remove},
		{Method: post, Path: root + "/join", Scopes: write, Serve: p.join},
		{Method: post, Path: root + "/leave", Scopes: write, Serve: p.leave},
		{Method: get, Path: rolesPage, Scopes: read, Serve: p.roles},
		{Method: post, Path: rolesPage, Scopes: write, Serve: p.addRole},
		{Method: get, Path: rolePage, Scopes: read, Serve: p.role},
		{Method: post, Path: rolePage, Scopes: write, Serve: p.renameRole},
		{Method: post, Path: root + "/give", Scopes: write, Serve: p.give},
		{Method: post, Path: root + "/take", Scopes: write, Serve: p.take},
		{Method: get, Path: root + "/remove-role", Scopes: write, Fresh: true, Serve: p.removeRolePage},
		{Method: post, Path: root + "/remove-role", Scopes: write, Fresh: true, Serve: p.removeRole},
	}}
}

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
