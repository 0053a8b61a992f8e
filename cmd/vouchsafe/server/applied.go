package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// applyTenants makes the tenants those of the tenants file.
func (s *Server) applyTenants(ctx context.Context) error {
	if s.cfg.Tenants == "" {
		return nil
	}
	file, err := declare.ReadTenants(s.cfg.Tenants, s.cfg.Issuer)
	if err != nil {
		return installation.Unreadable("tenants", err)
	}
	roots, err := installation.RootCAs(s.cfg.ExtraCAFile)
	if err != nil {
		return err
	}
	by := audit.Actor("tenants file")
	plan, err := tenants.NewPlan(ctx, s.Store, s.secrets, file, DeclaredWebhooks(s.cfg, s.Store, s.secrets, roots, by))
	if err == nil {
		err = plan.Apply(ctx, s.Store, by)
	}
	if err != nil {
		return fmt.Errorf("tenants file: %w", err)
	}
	s.log.InfoContext(ctx, "tenants file applied", "file", s.cfg.Tenants, "tenants", len(file), "changed", len(plan))
	return nil
}

// DeclaredWebhooks returns what a plan of tenants does to the webhooks that a file declares.
func DeclaredWebhooks(
	cfg *settings.Config, store storage.Webhooks, secrets *secret.Masters, roots *x509.CertPool, by audit.By,
) func(context.Context, tenants.Declared) (tenants.Extra, error) {
	m := &webhooks.Manager{Store: store, Secrets: secrets, Reach: Reach(cfg, roots), Event: by}
	return admin.DeclaredWebhooks(m)
}

// applyClients makes the declared clients those of the clients file, and stores or removes the client of
// the playground.
func (s *Server) applyClients(ctx context.Context) error {
	if s.cfg.Clients != "" {
		if err := s.applyClientsFile(ctx); err != nil {
			return err
		}
	}
	return s.applyPlayground(ctx)
}

// applyClientsFile makes the declared clients those of the clients file, and remembers which it has removed: their
// data is deleted beside requests.
func (s *Server) applyClientsFile(ctx context.Context) error {
	file, err := declare.ReadClients(s.cfg.Clients, s.cfg.AcceptsSamples())
	if err != nil {
		return installation.Unreadable("clients", err)
	}
	plan, err := clients.NewPlan(ctx, s.Store, storage.DefaultTenant, file)
	if err == nil {
		err = s.Provider.Keys.Publish(ctx, storage.DefaultTenant, plan.Kept()...)
	}
	if err == nil {
		err = plan.Apply(ctx, s.Store, audit.Actor("clients file"))
	}
	if err != nil {
		return fmt.Errorf("clients file: %w", err)
	}
	if gone := plan.Removed(); len(gone) > 0 {
		s.log.WarnContext(ctx, "clients removed, with users' consents and grants to them: the clients file no "+
			"longer declares them", "file", s.cfg.Clients, "removed", gone)
		s.removed = gone
	}
	s.log.InfoContext(ctx, "clients file applied", "file", s.cfg.Clients, "clients", len(file), "changed", len(plan))
	return nil
}

// applyPlayground stores the playground's client at the default tenant, or removes it from all tenants
// where there is no playground.
func (s *Server) applyPlayground(ctx context.Context) error {
	if s.dev != nil {
		return s.storePlayground(ctx, devpage.ClientOf(&issuer.Tenant{
			Tenant: storage.Tenant{ID: storage.DefaultTenant}, Issuer: s.cfg.Issuer,
		}))
	}
	// At the other tenants there are clients of the playground only if there is one at the default tenant.
	// That is the last to be removed, so that the next start continues an interrupted removal.
	stored, err := s.Store.Client(ctx, storage.DefaultTenant, devpage.ClientID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !devpage.Owns(stored) {
		return nil
	}
	if err != nil {
		return err
	}
	for t, err := range listing.All(func(after string) ([]storage.Tenant, error) {
		return s.Store.Tenants(ctx, after, listing.PageSize)
	}, func(t storage.Tenant) string { return t.ID }) {
		if err == nil && t.ID != storage.DefaultTenant {
			err = s.removePlayground(ctx, t.ID)
		}
		if err != nil {
			return err
		}
	}
	return s.removePlayground(ctx, storage.DefaultTenant)
}

// removePlayground removes the playground's client from a tenant. It leaves a client of an operator that
// has the same name.
func (s *Server) removePlayground(ctx context.Context, tenant string) error {
	stored, err := s.Store.Client(ctx, tenant, devpage.ClientID)
	if err == nil && devpage.Owns(stored) {
		err = s.Store.RemoveClient(ctx, tenant, devpage.ClientID, time.Now())
	}
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// storePlayground stores the playground's client at a tenant. It leaves a client of an operator that has
// the same name.
func (s *Server) storePlayground(ctx context.Context, playground storage.Client) error {
	stored, err := s.Store.Client(ctx, playground.TenantID, devpage.ClientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
	case err != nil:
		return err
	case !devpage.Owns(stored):
		s.log.WarnContext(ctx, "the developer page cannot run: a client that is not its own has its name",
			"client", devpage.ClientID, "tenant", playground.TenantID)
		return nil
	case slices.Equal(stored.RedirectURIs, playground.RedirectURIs) && stored.Scope == playground.Scope:
		return nil
	}
	if faults := clients.Validate(&playground); len(faults) > 0 {
		return fmt.Errorf("playground: %v", faults)
	}
	return s.Store.PutClient(ctx, playground)
}

// missTenants logs a tenant that no request can reach, because its host is that of the issuer: the issuer
// may have got that host later.
func (s *Server) missTenants(ctx context.Context) {
	u, err := url.Parse(s.cfg.Issuer)
	if err != nil {
		return // NewTenancy says so
	}
	if t, err := s.Store.TenantByHost(ctx, u.Host); err == nil {
		s.log.WarnContext(ctx, "no request can reach the tenant: its host is the issuer's own",
			"tenant", t.ID, "host", t.Host)
	}
}
