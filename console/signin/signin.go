// Package signin is the console's place for how users sign in: the rules, the looks of the pages, the texts of emails,
// and upstream providers. What is changed goes through the use case of the tenant's settings, as in the management API.
package signin

import (
	"embed"
	"net/http"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/secret"
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

// Part returns the place.
func (c Config) Part() console.Part {
	p := place{c}
	return console.Part{Place: "sign-in", Templates: templates, Pages: []console.Page{
		{Method: get, Path: root, Scopes: read, Serve: p.index},
		{Method: get, Path: root + "/rules", Scopes: write, Fresh: true, Serve: p.rulesPage},
		{Method: post, Path: root + "/rules", Scopes: write, Fresh: true, Serve: p.rules},
		{Method: get, Path: root + "/branding", Scopes: write, Serve: p.brandingPage},
		{Method: post, Path: root + "/branding", Scopes: write, Serve: p.branding},
		{Method: post, Path: root + "/branding/preview", Scopes: write, Serve: p.preview},
		{Method: get, Path: root + "/mails", Scopes: read, Serve: p.mails},
		{Method: get, Path: root + "/mails/html", Scopes: read, Serve: p.mailHTML},
		{Method: get, Path: root + "/upstreams", Scopes: readUpstreams, Serve: p.upstreams},
		{Method: get, Path: root + "/upstreams/add", Scopes: writeUpstreams, Fresh: true, Serve: p.addPage},
		{Method: post, Path: root + "/upstreams/add", Scopes: writeUpstreams, Fresh: true, Serve: p.add},
		{Method: get, Path: provider, Scopes: readUpstreams, Serve: p.upstream},
		{Method: get, Path: provider + "/edit", Scopes: writeUpstreams, Fresh: true, Serve: p.editPage},
		{Method: post, Path: provider + "/edit", Scopes: writeUpstreams, Fresh: true, Serve: p.edit},
		{Method: post, Path: provider + "/test", Scopes: writeUpstreams, Serve: p.try},
		{Method: get, Path: provider + "/remove", Scopes: writeUpstreams, Fresh: true, Serve: p.askRemove},
		{Method: post, Path: provider + "/remove", Scopes: writeUpstreams, Fresh: true, Serve: p.remove},
	}}
}

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

// card leads to a page.
type card struct {
	console.Anchor
	Hint string
}

// indexPage is the first page: what holds now, and where it is changed.
type indexPage struct {
	Rules    []card // Hint is the value
	Edit     bool
	Cards    []card
	Declared bool
}

// index shows the rules that hold.
func (p place) index(c *console.Call) error {
	t, err := p.own(c)
	if err != nil {
		return err
	}
	page := indexPage{Edit: c.May(write...), Declared: p.Declared}
	for _, f := range c.Form(ruleFields(c, t.Settings)...).Fields {
		value := f.Value
		switch f.Kind {
		case "checkbox":
			value = c.T("console.no")
			if f.Checked {
				value = c.T("console.yes")
			}
		case "select":
			for _, o := range f.Options {
				if o.Value == f.Value {
					value = o.Text
				}
			}
		}
		if value == "" {
			value = "–"
		}
		page.Rules = append(page.Rules, card{console.Anchor{Text: f.Label}, value})
	}
	for _, at := range []struct {
		id     string
		scopes []string
	}{{"branding", write}, {"mails", read}, {"upstreams", readUpstreams}} {
		if c.May(at.scopes...) {
			page.Cards = append(page.Cards, card{
				console.Anchor{URL: c.Link(root + "/" + at.id), Text: c.T("sign-in.at." + at.id)}, c.T("sign-in.hint." + at.id)})
		}
	}
	return c.Show("index", "place.sign-in", page)
}
