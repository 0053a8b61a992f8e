// Package people is the console's place for users: found, looked at, changed, invited, imported. Each action calls the
// use case that the operation of the management API calls.
package people

import (
	"embed"
	"net/http"

	"github.com/vouchsafe/vouchsafe/console"
)

//go:embed templates
var templates embed.FS

// Part returns the place.
func (c Config) Part() console.Part {
	p := place{c}
	pages := []console.Page{
		{Method: http.MethodGet, Path: root, Scopes: read, Serve: p.list},
		{Method: http.MethodGet, Path: root + "/bulk", Scopes: write, Serve: p.bulkPage},
		{Method: http.MethodPost, Path: root + "/bulk", Scopes: write, Fresh: true, Serve: p.bulk},
		{Method: http.MethodGet, Path: root + "/done", Scopes: write, Serve: p.bulkDone},
		{Method: http.MethodGet, Path: root + "/add", Scopes: write, Serve: p.addPage},
		{Method: http.MethodPost, Path: root + "/add", Scopes: write, Serve: p.add},
		{Method: http.MethodGet, Path: root + "/invite", Scopes: write, Serve: p.invitePage},
		{Method: http.MethodPost, Path: root + "/invite", Scopes: write, Serve: p.invite},
		{Method: http.MethodGet, Path: root + "/invitations", Scopes: read, Serve: p.invitations},
		{Method: http.MethodPost, Path: root + "/invitations", Scopes: write, Serve: p.resendInvitation},
		{Method: http.MethodGet, Path: root + "/invitations/withdraw", Scopes: write, Serve: p.withdrawPage},
		{Method: http.MethodPost, Path: root + "/invitations/withdraw", Scopes: write, Serve: p.withdraw},
		{Method: http.MethodGet, Path: importRoot, Scopes: write, Serve: p.importPage},
		{Method: http.MethodPost, Path: importRoot, Scopes: write, Upload: true, Serve: p.receive},
		{Method: http.MethodGet, Path: importFile, Scopes: write, Serve: p.importState},
		{Method: http.MethodPost, Path: importRoot + "/add", Scopes: write, Fresh: true, Serve: p.importAdd},
		{Method: http.MethodPost, Path: importRoot + "/stop", Scopes: write, Serve: p.importStop},
		{Method: http.MethodGet, Path: root + "/export", Scopes: read, Fresh: true, Serve: p.export},
		{Method: http.MethodGet, Path: person, Scopes: read, Serve: p.person},
		{Method: http.MethodGet, Path: person + "/history", Scopes: []string{"users:read", "audit:read"}, Serve: p.history},
		{Method: http.MethodGet, Path: person + "/edit", Scopes: write, Serve: p.editPage},
		{Method: http.MethodPost, Path: person + "/edit", Scopes: write, Serve: p.edit},
		{Method: http.MethodPost, Path: person + "/groups", Scopes: []string{"users:read", "groups:write"}, Serve: p.groups},
		{Method: http.MethodPost, Path: person + "/roles", Scopes: []string{"users:read", "groups:write"}, Serve: p.roles},
		{Method: http.MethodPost, Path: person + "/session", Scopes: write, Serve: p.endSession},
		{Method: http.MethodPost, Path: person + "/app", Scopes: write, Serve: p.disconnect},
		{Method: http.MethodPost, Path: person + "/identity", Scopes: write, Fresh: true, Serve: p.unlink},
		{Method: http.MethodPost, Path: person + "/passkey", Scopes: write, Fresh: true, Serve: p.removePasskey},
	}
	for _, a := range p.actions() {
		pages = append(pages, a.pages(p)...)
	}
	return console.Part{Place: "people", Templates: templates, Pages: pages}
}
