package server

import (
	"context"
	"fmt"
	"io"

	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// greetDeveloper prints what to do next, and that this is no server for production: settings that the shell did
// not export do not reach it.
func (s *Server) greetDeveloper(w io.Writer, row func(name, value string)) {
	fmt.Fprintln(w, "\n  What next?")
	row("Try a sign-in", s.cfg.Issuer+"/dev")
	row("Add your app", "in clients.yaml, or: vouchsafe client add my-app --kind web --redirect-uri URL")
	row("Read", "docs/clients.md, docs/tenants.md, docs/production.md")
	fmt.Fprintln(w, "\n  This is a development server: VOUCHSAFE_DATABASE_URL is not set.")
}

// greet prints the URLs and files of an embedded server for the developer who started it.
func (s *Server) greet(ctx context.Context, w io.Writer) {
	fmt.Fprintf(w, "\nVouchsafe %s\n\n", s.version)
	row := func(name, value string) { fmt.Fprintf(w, "  %-16s %s\n", name, value) }
	row("Issuer", s.cfg.Issuer)
	row("Discovery", s.cfg.Issuer+"/.well-known/openid-configuration")
	if s.dev != nil {
		row("Developer page", s.cfg.Issuer+"/dev")
		row("", "(by a tunnel: "+s.dev.Link()+")")
		if s.dev.Mailbox != nil {
			row("Mailbox", s.cfg.Issuer+"/dev/mail")
		}
	}
	once := storage.FirstAdministrator()
	if spent, err := s.Store.IsSpent(ctx, once.TenantID, once.Purpose, once.Value); err == nil && !spent {
		row("First admin", s.cfg.Issuer+"/setup?token="+people.SetupLink{Secrets: s.secrets}.Token())
		row("", "(this link creates the first administrator, once; keep it to yourself)")
	}
	row("Data", datadir.Dir(s.cfg.Data).Absolute())
	if s.cfg.Clients != "" {
		row("Clients", s.cfg.Clients)
	}
	if s.cfg.Tenants != "" {
		row("Tenants", s.cfg.Tenants)
	}
	if s.dev != nil {
		s.greetDeveloper(w, row)
	}
	fmt.Fprintln(w)
}
