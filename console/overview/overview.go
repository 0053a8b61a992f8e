// Package overview is the console's first place: what an administrator should do next, and how the tenant stands.
package overview

import (
	"context"
	"embed"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/atonce"
	"github.com/vouchsafe/vouchsafe/internal/health"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var templates embed.FS

// Config is what the place reads.
type Config struct {
	Accounts *administration.Accounts
	Clients  storage.Clients
	Store    Store
	// Health asks what the server depends on. It is quick, and bounded in what it costs.
	Health func(ctx context.Context) health.Readiness
	// Keys says what the signing keys do.
	Keys interface {
		Uses(stored []storage.Key, now time.Time) []keys.Use
	}
	// Count counts what the users of the asker's tenant did on the last days.
	Count func(ctx context.Context, a people.Asker, days int) (administration.Statistics, error)
	// SignUps counts the accounts that were added to the asker's tenant on each of the last days.
	SignUps func(ctx context.Context, a people.Asker, days int) ([]storage.Active, error)
	// Invited reports whether an invitation waits to be accepted.
	Invited func(ctx context.Context, a people.Asker) (bool, error)
	// SendsMail says that a mail server is set.
	SendsMail bool
	// Ignored are ids of clients that the server itself has stored, for developers.
	Ignored []string
}

// Part returns the place.
func (p Config) Part() console.Part {
	return console.Part{Place: "overview", Templates: templates, Pages: []console.Page{
		{Method: http.MethodGet, Path: "", Serve: p.page},
	}}
}

// Store is what tells how the tenant stands.
type Store interface {
	Keys(ctx context.Context, tenant string, since time.Time) ([]storage.Key, error)
	DeadDeliveries(ctx context.Context, tenant, after string, limit int) ([]storage.Delivery, error)
	WaitingDeliveries(ctx context.Context, tenant, after string, limit int) ([]storage.Delivery, error)
	Webhooks(ctx context.Context, tenant, after string, limit int) ([]storage.Webhook, error)
}

// step is something that is left to do after the set-up.
type step struct{ URL, Text, Hint string }

// page shows the next steps, as long as there are any, what needs attention, and how the tenant stands. What it needs
// is asked for at the same time.
func (p Config) page(call *console.Call) error {
	fills := []func(*console.Call, *standing) error{
		p.fillSteps, p.fillHealth, p.fillMail, p.fillKeys, p.fillWebhooks, p.fillAdministrators, p.fillNumbers, p.fillSignUps,
	}
	parts, work := make([]standing, len(fills)), make([]func() error, len(fills))
	for i, fill := range fills {
		work[i] = func() error { return fill(call, &parts[i]) }
	}
	if err := atonce.Do(work...); err != nil {
		return err
	}
	page := &standing{}
	for _, part := range parts {
		page.add(part)
	}
	if call.Has("/log") {
		page.Log = call.Link("/log", "of", "refused")
	}
	return call.Show("overview", "overview.title", page)
}

// fillSteps adds what is left to do.
func (p Config) fillSteps(c *console.Call, s *standing) (err error) {
	s.Steps, err = p.steps(c)
	return err
}

// steps returns what is left to do for administrators who may do it.
func (p Config) steps(call *console.Call) (left []step, err error) {
	for _, s := range []struct {
		id, page, scope string
		done            func(ctx context.Context, a people.Asker) (bool, error)
	}{
		{"app", "/apps/new", "clients:write", p.hasApp},
		{"invite", "/people/invite", "users:write", p.hasPeople},
		{"mail", "/settings/mail", "mail:write", func(context.Context, people.Asker) (bool, error) {
			return p.SendsMail, nil
		}},
	} {
		if !call.May(s.scope) {
			continue
		}
		done, err := s.done(call.Context(), call.Asker)
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
func (p Config) hasApp(ctx context.Context, a people.Asker) (bool, error) {
	all, err := p.Clients.Clients(ctx, a.Tenant.ID, "", len(p.Ignored)+1)
	for _, client := range all {
		ignored := false
		for _, id := range p.Ignored {
			ignored = ignored || client.ClientID == id
		}
		if !ignored {
			return true, err
		}
	}
	return false, err
}

// hasPeople reports whether there is a user beside the first administrator, or one is invited.
func (p Config) hasPeople(ctx context.Context, a people.Asker) (bool, error) {
	users, err := p.Accounts.Store.Users(ctx, a.Tenant.ID, "", 2)
	if err != nil || len(users) > 1 || p.Invited == nil {
		return len(users) > 1, err
	}
	return p.Invited(ctx, a)
}
