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
	"cmp"
	"context"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
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
	// Issuer is the issuer of the default tenant.
	Issuer string
	// Store stores the playground's client in a tenant. The page calls it when a browser opens the page
	// of a tenant: tenants are added while the server runs. nil stands for clients that are stored already.
	Store func(ctx context.Context, c storage.Client) error
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

// ClientOf returns the record of the client that the playground runs as at a tenant. Store it before the
// page is used.
func ClientOf(t *issuer.Tenant) storage.Client {
	return storage.Client{
		TenantID:                t.ID,
		ClientID:                ClientID,
		ClientName:              "Playground",
		RedirectURIs:            []string{t.URL("/dev/callback")},
		PostLogoutRedirectURIs:  []string{t.URL("/dev")},
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

// html writes the playground's page.
func (p *Page) html(w http.ResponseWriter, r *http.Request) error {
	t := web.TenantOf(r.Context())
	if p.Store != nil {
		if err := p.Store(r.Context(), ClientOf(t)); err != nil {
			return err
		}
	}
	data := map[string]any{
		"Issuer":    t.Issuer,
		"Path":      t.Path,
		"Discovery": t.URL("/.well-known/openid-configuration"),
		"ClientID":  ClientID,
		"Mailbox":   p.Mailbox != nil,
	}
	if t.ID != storage.DefaultTenant {
		data["Tenant"], data["Name"] = t.ID, cmp.Or(t.Name, t.ID)
	}
	var buf bytes.Buffer
	err := page.Execute(&buf, data)
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
