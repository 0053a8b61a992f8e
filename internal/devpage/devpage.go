// Package devpage serves /dev: a playground in which whoever writes a client watches
// an authorization happen, and settings to copy into their program.
//
// It is for an embedded server on its developer's own machine, and must never be
// registered elsewhere. It knows no secret: the page is a public client like any other,
// and does in the browser, with nobody's help, what such a client does.
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

// ClientID is the playground's client.
const ClientID = "playground"

//go:embed static
var static embed.FS

var page = template.Must(template.ParseFS(static, "static/dev.html"))

// Page is the developer page.
type Page struct {
	// Issuer is the default tenant's; the page works for that alone.
	Issuer string
	// Errors shows requests that the page is not for.
	Errors web.ErrorPage
	// Mailbox has what was sent to people, to be shown at /dev/mail; nil when a mail
	// server takes it.
	Mailbox *Mailbox
	// StandIns are the providers that people may come from.
	StandIns []*fakeidp.Server
	// Key opens the page, as ?dev_key= in its address. The browser keeps it in a cookie.
	Key string
	// Door is the port at which Doorkeeper is served, on this machine alone; "" where it is
	// not. Set it before the page is served.
	Door string
}

// Client is the client that the page runs as, to be stored before the page is used.
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

// Owns says whether a stored client of the page's name is the page's own, whatever the
// issuer was when it was stored.
func Owns(c storage.Client) bool {
	return !c.Declared && len(c.RedirectURIs) == 1 && strings.HasSuffix(c.RedirectURIs[0], "/dev/callback")
}

// Register adds the page's routes.
func (p *Page) Register(r *mux.Router) {
	routes := map[string]func(http.ResponseWriter, *http.Request) error{
		"/dev":          p.html,
		"/dev/callback": p.html, // the script reads the answer from the address
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

// here serves this machine alone, as far as a request tells.
func (p *Page) here(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := web.TenantOf(r.Context())
		if t.ID != storage.DefaultTenant || !fromHere(r) {
			web.Fail(p.Errors, w, r, &web.Problem{Status: http.StatusNotFound, Message: "problem.no_page"})
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // the callback's address holds a code
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

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
