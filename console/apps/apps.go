// Package apps is the console's place for apps: the clients of the protocol. They are made from a kind, connected by
// samples that tests run, and looked after: secrets, redirect URIs, who may use them, what they learn of users, and why
// users were refused lately.
package apps

import (
	"cmp"
	"context"
	"embed"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var templates embed.FS

// Store is what the place reads and changes.
type Store interface {
	storage.Clients
	storage.Logouts
	claims.Store
	Events(ctx context.Context, tenant, before string, limit int) ([]storage.Event, error)
	EventsOf(ctx context.Context, tenant, userID, before string, limit int) ([]storage.Event, error)
	LastSignIns(ctx context.Context, tenant, from, to string) (map[string]time.Time, error)
	UseOf(ctx context.Context, tenant, clientID string, most int, now time.Time) (storage.ClientUse, error)
	RolesOfClient(ctx context.Context, tenant, clientID, after string, limit int) ([]storage.Role, error)
}

// Config is what the place calls. All fields are required.
type Config struct {
	Accounts *administration.Accounts
	Store    Store
	// Publish makes the keys that clients need and the tenant lacks, before the clients are stored.
	Publish func(ctx context.Context, tenant string, registered ...storage.Client) error
	// InFile returns a client of the default tenant as the clients file declares it now. storage.ErrNotFound: the file
	// does not declare it. Other errors say why the file can't be read.
	InFile func(id string) (storage.Client, error)
}

// place serves the pages.
type place struct{ Config }

const (
	root    = "/apps"
	appPage = root + "/app"
)

// Scopes, as the operations of the management API need them.
var (
	read  = []string{"clients:read"}
	write = []string{"clients:read", "clients:write"}
)

// nameOf returns what pages call the app.
func nameOf(a storage.Client) string { return cmp.Or(a.ClientName, a.ClientID) }

// kindOf returns the kind of the app: one of kinds.
func kindOf(a storage.Client) string {
	switch {
	case a.MayUse(clients.FirstPartyGrant):
		return firstParty
	case !a.MayUse("authorization_code") && a.MayUse(clients.DeviceGrant):
		return clients.Device
	case !a.MayUse("authorization_code"):
		return clients.Service
	case a.ApplicationType == "native":
		return clients.Native
	case a.Public():
		return clients.SPA
	}
	return clients.Web
}

// appOf returns the app that the request names.
func (p place) appOf(c *console.Call) (storage.Client, error) {
	return p.Store.Client(c.Context(), c.Tenant().ID, c.FormValue("id"))
}

// managed returns the app that the request changes, unless it may do more at the management API than the reader: with
// its secret the reader could get tokens for it.
func (p place) managed(c *console.Call) (storage.Client, error) {
	a, err := p.appOf(c)
	if err == nil {
		err = mayManage(c, a)
	}
	return a, err
}

// mayManage returns an error if the app may do more at the management API than the reader.
func mayManage(c *console.Call, a storage.Client) error {
	if administration.BeyondClient(a, c.Scopes) == "" {
		return nil
	}
	return &console.Refusal{Status: http.StatusForbidden, Title: "apps.beyond.title", Text: "apps.beyond",
		Back: c.To(appPage, "id", a.ClientID)}
}

// to returns the path of the app's page.
func to(c *console.Call, a storage.Client) string { return c.To(appPage, "id", a.ClientID) }

// back has a page lead to that of the app.
func back(c *console.Call, title string, a storage.Client) *console.View {
	return c.View(title).BackTo(nameOf(a), appPage, "id", a.ClientID)
}

// save stores the app in place of was, nil for a new one, and returns the secret that was made. What is wrong with it
// are faults of fields.
func (p place) save(c *console.Call, was *storage.Client, now storage.Client) (
	a storage.Client, made string, err error,
) {
	d := clients.Declared{Client: now}
	d.TenantID = c.Tenant().ID
	made = d.Complete(was)
	if faults := d.Check(false); len(faults) > 0 {
		return a, "", said(c, faults)
	}
	if err := mayManage(c, d.Client); err != nil {
		return a, "", err
	}
	if err := p.Publish(c.Context(), d.TenantID, d.Client); err != nil {
		return a, "", err
	}
	a, err = clients.Save(c.Context(), p.Store, was, d, c.Asker.Event)
	return a, made, err
}

// quoted matches the value at the beginning of a message about it.
var quoted = regexp.MustCompile(`^"(?:[^"\\]|\\.)*" `)

// said returns what is wrong with an app, each beside the field of the form. The rules speak English; what
// administrators meet often is said in their language.
func said(c *console.Call, faults []clients.Fault) console.Faults {
	var all console.Faults
	for _, f := range faults {
		field := f.Field
		if i := strings.IndexByte(field, '.'); i >= 0 && strings.HasPrefix(field, "claims.") {
			if field = field[strings.LastIndexByte(field, '.')+1:]; field == "from" {
				field = "source" // the frame's own field is called from
			}
		} else if after, ok := strings.CutPrefix(field, "allow."); ok {
			field = after
		}
		all = append(all, console.Fault{Field: field, Text: explained(c, f.Message)})
	}
	return all
}

// explanations are texts for messages that begin, after the value, as they say.
var explanations = []struct{ begins, text string }{
	{"is not encrypted", "apps.fault.http"},
	{"has a wildcard", "apps.fault.wildcard"},
	{"has a fragment", "apps.fault.fragment"},
	{"is not absolute", "apps.fault.absolute"},
	{"has the scheme", "apps.fault.scheme"},
	{"has a custom scheme", "apps.fault.custom"},
	{"has capital letters", "apps.fault.capital"},
	{"appears twice", "apps.fault.twice"},
	{"is missing", "apps.fault.missing"},
	{"is no group id", "apps.fault.group"},
	{"isn't a domain", "apps.fault.domain"},
	{"has a character that is not allowed", "apps.fault.id"},
}

// explained returns a message of the rules in the reader's language, with the value that it is about.
func explained(c *console.Call, message string) string {
	value := strings.TrimSpace(quoted.FindString(message))
	rest := strings.TrimPrefix(message, quoted.FindString(message))
	for _, e := range explanations {
		if !strings.HasPrefix(rest, e.begins) {
			continue
		}
		if value != "" {
			return c.T("apps.fault_of", strings.Trim(value, `"`), c.T(e.text))
		}
		return c.T(e.text)
	}
	return c.T("apps.fault", message)
}
