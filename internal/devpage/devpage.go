// Package devpage serves /dev, the developer pages: a playground in which a client developer
// watches an authorization step by step, settings to copy into a client, and the mails that were
// sent.
//
// It is for an embedded server on the developer's own machine, and must not be registered
// elsewhere. The playground has no privileges: it is a public client like any other, and does in
// the browser what every such client does.
package devpage

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ClientID is the id of the playground's client.
const ClientID = "playground"

//go:embed static
var static embed.FS

var page = template.Must(template.ParseFS(static, "static/dev.html"))

// Page is the developer page.
type Page struct {
	// Issuer is the issuer of the default tenant, the only one that the page works for.
	Issuer string
	// Errors shows the page for a refused request.
	Errors web.ErrorPage
	// Mailbox holds the sent messages that /dev/mail shows. It is nil if a mail server delivers
	// them.
	Mailbox *Mailbox
	// StandIns are the fake upstream providers that users can sign in with.
	StandIns []*fakeidp.Server
	// Key opens the page, as ?dev_key= in its address. The browser then keeps it in a cookie.
	Key string
	// Door is the port at which Doorkeeper is served on this machine, or "" if it is not. Set it
	// before the page is served.
	Door string
}

// Client returns the record of the client that the playground runs as. Store it before the page is
// used.
func (p *Page) Client() storage.Client {
	return storage.Client{
		TenantID:                storage.DefaultTenant,
		ClientID:                ClientID,
		ClientName:              "Playground",
		RedirectURIs:            []string{p.Issuer + "/dev/callback"},
		PostLogoutRedirectURIs:  []string{p.Issuer + "/dev"},
		GrantTypes:              []string{"authorization_code", "refresh_token"},
		ResponseTypes:           []string{"code"},
		TokenEndpointAuthMethod: "none",
		Scope:                   "openid profile email address phone offline_access",
	}
}

// Owns reports whether a stored client with the playground's id is the playground's own, for any
// issuer that it had when it was stored.
func Owns(c storage.Client) bool {
	return !c.Declared && len(c.RedirectURIs) == 1 && strings.HasSuffix(c.RedirectURIs[0], "/dev/callback")
}

// Register adds the page's routes.
func (p *Page) Register(r *mux.Router) {
	routes := map[string]func(http.ResponseWriter, *http.Request) error{
		"/dev":          p.html,
		"/dev/callback": p.html, // the script reads the response from the address
		"/dev/dev.js":   file("dev.js", "text/javascript; charset=utf-8"),
		"/dev/dev.css":  file("dev.css", "text/css; charset=utf-8"),
	}
	if p.Mailbox != nil {
		routes["/dev/mail"], routes["/dev/mail.json"] = p.mailbox, p.mailboxJSON
		routes["/dev/mail/{id}"], routes["/dev/mail/{id}/html"] = p.letter, p.letterHTML
	}
	for path, h := range routes {
		r.Handle(path, p.here(p.opened(web.Handler(p.Errors, h)))).Methods(http.MethodGet, http.MethodHead)
	}
	p.registerStandIns(r)
}

// here serves requests that come from this machine, as far as fromHere can tell, and answers 404 to
// others. It sets the headers of all developer pages.
func (p *Page) here(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := web.TenantOf(r.Context())
		if t.ID != storage.DefaultTenant || !fromHere(r) {
			web.Fail(p.Errors, w, r, &web.Problem{Status: http.StatusNotFound, Message: "problem.no_page"})
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; "+
				"base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // the address of the callback contains a code
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// html writes the playground's page.
func (p *Page) html(w http.ResponseWriter, r *http.Request) error {
	var buf bytes.Buffer
	err := page.Execute(&buf, map[string]any{
		"Issuer":    p.Issuer,
		"Discovery": p.Issuer + "/.well-known/openid-configuration",
		"ClientID":  ClientID,
		"Mailbox":   p.Mailbox != nil,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = w.Write(buf.Bytes())
	return err
}

// file returns a handler that writes an embedded file.
func file(name, contentType string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		text, err := static.ReadFile("static/" + name)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", contentType)
		_, err = w.Write(text)
		return err
	}
}
