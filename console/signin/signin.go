// Package signin is the console's place for how users sign in: the rules, the looks of the pages, the texts of emails,
// and upstream providers. What is changed goes through the use case of the tenant's settings, as in the management API.
package signin

import (
	"embed"
	"net/http"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var templates embed.FS

// Config is what the place calls. All fields without "default" are required.
type Config struct {
	Store   storage.Tenants
	Secrets *secret.Masters
	// Federation tries upstream providers.
	Federation *federation.Service
	// Mails are the texts of messages. Default: the built-in ones.
	Mails *mail.Templates
	// People sends messages as a test.
	People *people.Service
	// Issuer is the URL of the default tenant.
	Issuer string
	// Declared says that a file declares tenants, which is applied when the server starts.
	Declared bool
}

// place serves the pages.
type place struct{ Config }

const (
	root     = "/sign-in"
	provider = root + "/upstream/{upstream}"

	get, post = http.MethodGet, http.MethodPost
)

// Scopes, as the operations of the management API need them.
var (
	read           = []string{"tenant:read"}
	write          = []string{"tenant:read", "tenant:write"}
	readUpstreams  = []string{"upstreams:read"}
	writeUpstreams = []string{"upstreams:read", "upstreams:write"}
)

// own returns the record of the tenant as it is stored: that of the request may be a second old.
func (p place) own(c *console.Call) (storage.Tenant, error) {
	return p.Store.Tenant(c.Context(), c.Tenant().ID)
}

// formPage is a page with a form of several sections.
type formPage struct {
	Action, Preview string
	Form            console.Form // all fields
	Sections        []section
	Declared        bool
}

// section is some fields with a title.
type section struct {
	Title  string
	Fields []console.Field
}

// divide puts the completed fields of a form into sections: titles are ids of texts, with the number of fields each.
func divide(c *console.Call, form console.Form, titles []string, numbers []int) (all []section) {
	at := 0
	for i, title := range titles {
		all = append(all, section{c.T(title), form.Fields[at : at+numbers[i]]})
		at += numbers[i]
	}
	return all
}
