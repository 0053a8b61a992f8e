// Package settings is the console's place for what runs behind the pages: signing keys, messages, webhooks, API keys of
// clients, administrators, and the server itself. Each action calls the use case that the operation of the management
// API calls.
package settings

import (
	"context"
	"embed"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/health"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var templates embed.FS

// Store is what the place reads beside the use cases.
type Store interface {
	storage.Keys
	storage.Outbox
	storage.Webhooks
	storage.Clients
}

// Config is what the place calls. All fields without "default" are required.
type Config struct {
	Accounts *administration.Accounts
	People   *people.Service
	APIKeys  *apikeys.Service
	// Invitations invites administrators.
	Invitations *invitations.Service
	Store       Store
	Secrets     *secret.Masters
	// Keys are the signing keys of all tenants.
	Keys *keys.Ring
	// Webhooks sends events to webhooks, says to which addresses, and tells of new events.
	Webhooks *webhooks.Worker
	// TestMail sends a test email of the tenant at once, and tells the lines of the conversation with the mail
	// server. Default: there is no mail server.
	TestMail func(ctx context.Context, t *issuer.Tenant, to string, tell func(line string)) error
	// Health says how the server's dependencies are.
	Health func(ctx context.Context) health.Readiness
	// Version is that of the program.
	Version string
	// Database returns which product the database is, its version and how many bytes it needs.
	Database func(ctx context.Context) (product, version string, bytes int64, err error)
}

// place serves the pages.
type place struct{ Config }

const root = "/settings"

// Scopes, as the operations of the management API need them.
var (
	readKeys      = []string{"keys:read"}
	writeKeys     = []string{"keys:read", "keys:write"}
	readMail      = []string{"mail:read"}
	writeMail     = []string{"mail:read", "mail:write"}
	readWebhooks  = []string{"webhooks:read"}
	writeWebhooks = []string{"webhooks:read", "webhooks:write"}
	readClients   = []string{"clients:read"}
	writeClients  = []string{"clients:read", "clients:write"}
	readAdmins    = []string{"administrators:read"}
	writeAdmins   = []string{"administrators:read", "administrators:write"}
	readTenant    = []string{"tenant:read"}
	get, post     = http.MethodGet, http.MethodPost
	sections      = []section{{"keys", readKeys}, {"mail", readMail}, {"webhooks", readWebhooks},
		{"api-keys", readClients}, {"administrators", readAdmins}, {"about", readTenant}}
)

// section is a page that the first one leads to. Its texts are settings.at.ID and settings.about.ID.
type section struct {
	id     string
	scopes []string
}

// card leads to a section.
type card struct {
	console.Anchor
	Hint string
}

// index leads to what the administrator may see.
func (p place) index(c *console.Call) error {
	var cards []card
	for _, s := range sections {
		if c.May(s.scopes...) {
			cards = append(cards, card{console.Anchor{URL: c.Link(root + "/" + s.id), Text: c.T("settings.at." + s.id)},
				c.T("settings.hint." + s.id)})
		}
	}
	return c.Show("index", "place.settings", cards)
}

// view returns a View of a page below the first one.
func view(c *console.Call, title string) *console.View {
	return c.View(title).BackTo("place.settings", root)
}

// formPage is a page with one form.
type formPage struct {
	Lead, Action, Button string
	Form                 console.Form
}

// about says what runs.
func (p place) about(c *console.Call) error {
	type check struct {
		Name  string
		OK    bool
		Error string // for the operator only
	}
	page := struct {
		Version, Issuer, Tenant string
		Status                  string
		Database, Size          string // for the operator only
		Checks                  []check
	}{Version: p.Version, Issuer: c.Tenant().Issuer, Tenant: c.Tenant().ID}
	now := p.Health(c.Context())
	if c.Operates() {
		product, version, bytes, err := p.Database(c.Context())
		if err == nil { // otherwise a check fails
			page.Database = product + " " + version
			page.Size = strconv.FormatInt((bytes+1<<20-1)>>20, 10) + " MiB"
		}
	}
	page.Status = c.T("settings.health." + now.Status)
	for _, name := range sorted(now.Checks) {
		one := check{Name: c.T("settings.check." + name), OK: now.Checks[name].Status == "ok"}
		if c.Operates() {
			one.Error = now.Checks[name].Error
		}
		page.Checks = append(page.Checks, one)
	}
	return c.ShowView("about", view(c, "settings.at.about"), page)
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// number returns a number as a form sends it.
func number(n int) string { return strconv.Itoa(n) }
