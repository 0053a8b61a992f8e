package groups

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/console"
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
