package log

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/console"
)

// Part returns the place.
func (p Config) Part() console.Part {
	scopes := []string{"audit:read"}
	return console.Part{Place: "log", Templates: templates, Pages: []console.Page{
		{Method: http.MethodGet, Path: root, Scopes: scopes, Serve: p.list},
		{Method: http.MethodGet, Path: root + "/export", Scopes: scopes, Serve: p.export},
		{Method: http.MethodGet, Path: root + "/{event}", Scopes: scopes, Serve: p.entry},
	}}
}
