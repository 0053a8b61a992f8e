package apps

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Part returns the place.
func (c Config) Part() console.Part {
	p := place{c}
	get, post := http.MethodGet, http.MethodPost
	pages := []console.Page{
		{Method: get, Path: root, Scopes: read, Serve: p.list},
		{Method: get, Path: root + "/new", Scopes: write, Serve: p.newPage},
		{Method: post, Path: root + "/new", Scopes: write, Serve: p.add},
		{Method: get, Path: root + "/check", Scopes: write, Serve: p.check},
		{Method: get, Path: appPage, Scopes: read, Serve: p.app},
		{Method: get, Path: root + "/claims", Scopes: []string{"clients:read", "users:read"}, Serve: p.claims},
		{Method: post, Path: root + "/claim", Scopes: write, Serve: p.addClaim},
		{Method: post, Path: root + "/remove-claim", Scopes: write, Serve: p.removeClaim},
		{Method: post, Path: root + "/undo-claim", Scopes: write, Serve: p.undoClaim},
		{Method: get, Path: root + "/secret", Scopes: write, Fresh: true, Serve: p.secretPage},
		{Method: post, Path: root + "/secret", Scopes: write, Fresh: true, Serve: p.addSecret},
		{Method: get, Path: root + "/remove-secret", Scopes: write, Fresh: true, Serve: p.removeSecretPage},
		{Method: post, Path: root + "/remove-secret", Scopes: write, Fresh: true, Serve: p.removeSecret},
		{Method: get, Path: root + "/disable", Scopes: write, Serve: p.disablePage},
		{Method: post, Path: root + "/disable", Scopes: write, Serve: p.setDisabled(true)},
		{Method: post, Path: root + "/enable", Scopes: write, Serve: p.setDisabled(false)},
		{Method: post, Path: root + "/allow", Scopes: write, Serve: p.judge(storage.VerdictAllowed)},
		{Method: get, Path: root + "/deny", Scopes: write, Serve: p.denyPage},
		{Method: post, Path: root + "/deny", Scopes: write, Serve: p.judge(storage.VerdictDenied)},
		{Method: post, Path: root + "/refresh", Scopes: write, Serve: p.refresh},
		{Method: get, Path: root + "/logouts", Scopes: read, Serve: p.logouts},
		{Method: post, Path: root + "/logouts", Scopes: write, Serve: p.replayLogout},
		{Method: get, Path: root + "/remove", Scopes: write, Fresh: true, Serve: p.removePage},
		{Method: post, Path: root + "/remove", Scopes: write, Fresh: true, Serve: p.remove},
	}
	for _, e := range edits {
		pages = append(pages,
			console.Page{Method: get, Path: root + "/" + e.id, Scopes: write,
				Serve: func(c *console.Call) error { return p.editPage(c, e) }},
			console.Page{Method: post, Path: root + "/" + e.id, Scopes: write,
				Serve: func(c *console.Call) error { return p.edit(c, e) }})
	}
	return console.Part{Place: "apps", Templates: templates, Pages: pages}
}
