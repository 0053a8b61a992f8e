// Package overview is the console's first place: what an administrator should do next, and how the tenant stands.
package overview

import (
	"context"
	"embed"
	"net/http"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var templates embed.FS

// Config is what the place reads.
type Config struct {
	Accounts *administration.Accounts
	Clients  storage.Clients
	// SendsMail says that a mail server is set.
	SendsMail bool
	// Ignored are ids of clients that the server itself has stored, for developers.
	Ignored []string
}

// Part returns the place.
func (c Config) Part() console.Part {
	return console.Part{Place: "overview", Templates: templates, Pages: []console.Page{
		{Method: http.MethodGet, Path: "", Serve: c.page},
	}}
}

// step is something that is left to do after the set-up.
type step struct{ URL, Text, Hint string }

// page shows the next steps, as long as there are any.
func (c Config) page(call *console.Call) error {
	steps, err := c.steps(call)
	if err != nil {
		return err
	}
	return call.Show("overview", "overview.title", struct{ Steps []step }{steps})
}

// steps returns what is left to do for administrators who may do it.
func (c Config) steps(call *console.Call) (left []step, err error) {
	for _, s := range []struct {
		id, page, scope string
		done            func(ctx context.Context, tenant string) (bool, error)
	}{
		{"app", "/apps/new", "clients:write", c.hasApp},
		{"invite", "/people/invite", "users:write", c.hasPeople},
		{"mail", "/settings/mail", "mail:write", func(context.Context, string) (bool, error) { return c.SendsMail, nil }},
	} {
		if !call.May(s.scope) {
			continue
		}
		done, err := s.done(call.Context(), call.Tenant().ID)
		if err != nil {
			return nil, err
		}
		if done {
			continue
		}
		one := step{Text: call.T("overview.step." + s.id), Hint: call.T("overview.step." + s.id + "_hint")}
		if call.Has(s.page) {
			one.URL = call.Link(s.page)
		}
		left = append(left, one)
	}
	return left, nil
}

// hasApp reports whether an administrator has added a client.
func (c Config) hasApp(ctx context.Context, tenant string) (bool, error) {
	all, err := c.Clients.Clients(ctx, tenant, "", len(c.Ignored)+1)
	for _, client := range all {
		ignored := false
		for _, id := range c.Ignored {
			ignored = ignored || client.ClientID == id
		}
		if !ignored {
			return true, err
		}
	}
	return false, err
}

// hasPeople reports whether there is a user beside the first administrator.
func (c Config) hasPeople(ctx context.Context, tenant string) (bool, error) {
	users, err := c.Accounts.Store.Users(ctx, tenant, "", 2)
	return len(users) > 1, err
}
