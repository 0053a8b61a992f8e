package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/gateway"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// wireGateway makes the gateway if there is a gateway file.
func (s *Server) wireGateway(limits *limit.Limiter, errorPage web.ErrorPage) error {
	if s.cfg.Gateway == "" {
		return nil
	}
	file, err := declare.ReadGateway(s.cfg.Gateway, s.cfg.Issuer)
	if err != nil {
		return installation.Unreadable("gateway", err)
	}
	s.gateway = gateway.New(gateway.Config{
		Rules: file, Store: s.Store, Protocol: s.Provider.Apps(), Keys: s.Provider.Keys, Secrets: s.secrets,
		Names:  (&pairwise.Service{Store: s.Store, Secrets: s.secrets}).Names,
		Limits: limits, Errors: errorPage, Audit: audit.Writer{Store: s.Store, Log: s.log},
		TrustedProxies: settings.Prefixes(s.cfg.TrustedProxies),
	})
	return nil
}

// applyGateway stores the gateway's client, and removes the one of an earlier file from the default tenant.
func (s *Server) applyGateway(ctx context.Context) error {
	tenant := storage.DefaultTenant
	if s.gateway != nil {
		tenant = s.gateway.Rules.Tenant
	}
	if s.gateway == nil || tenant != storage.DefaultTenant {
		stored, err := s.Store.Client(ctx, storage.DefaultTenant, gateway.ClientID)
		if err == nil && gateway.Owns(&stored) {
			err = s.Store.RemoveClient(ctx, storage.DefaultTenant, gateway.ClientID, time.Now())
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	if s.gateway == nil {
		return nil
	}
	if _, err := s.Store.Tenant(ctx, tenant); errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("gateway file: there is no tenant %s", tenant)
	} else if err != nil {
		return err
	}
	scheme, _, _ := strings.Cut(s.cfg.Issuer, "://")
	client := gateway.ClientOf(s.gateway.Rules, scheme)
	stored, err := s.Store.Client(ctx, tenant, gateway.ClientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
	case err != nil:
		return err
	case !gateway.Owns(&stored):
		return fmt.Errorf("gateway file: the tenant has a client %s of its own: remove or rename it", gateway.ClientID)
	case gateway.Same(&stored, &client):
		return nil
	}
	s.log.InfoContext(ctx, "gateway file applied", "file", s.cfg.Gateway, "tenant", tenant)
	return s.Store.PutClient(ctx, client)
}
