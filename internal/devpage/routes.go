package devpage

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// Register adds the page's routes.
func (p *Page) Register(r *mux.Router) {
	routes := map[string]func(http.ResponseWriter, *http.Request) error{
		"/dev":          p.html,
		"/dev/callback": p.html, // the script reads the response from the address
		"/dev/dev.js":   file("dev.js", "text/javascript; charset=utf-8"),
		"/dev/dev.css":  file("dev.css", "text/css; charset=utf-8"),
	}
	for path, h := range routes {
		r.Handle(path, p.here(anyTenant, p.opened(web.Handler(p.Errors, h)))).Methods(http.MethodGet, http.MethodHead)
	}
	routes = nil
	if p.Mailbox != nil { // it has the mails of all tenants
		routes = map[string]func(http.ResponseWriter, *http.Request) error{
			"/dev/mail": p.mailbox, "/dev/mail.json": p.mailboxJSON,
			"/dev/mail/{id}": p.letter, "/dev/mail/{id}/html": p.letterHTML,
		}
	}
	for path, h := range routes {
		r.Handle(path, p.here(defaultTenant, p.opened(web.Handler(p.Errors, h)))).Methods(http.MethodGet, http.MethodHead)
	}
	p.registerStandIns(r)
}
