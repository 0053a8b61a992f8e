package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/here"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/provider/keys"
)

// WithDesk opens the place where a command works. A server is named to the user, as a database is.
func (a *App) WithDesk(ctx context.Context, at PlaceFlags, do func(desk.Desk) error) error {
	if at.Server != "" {
		d, err := a.OpenRemote(at)
		if err != nil {
			return err
		}
		if !a.named {
			a.named = true
			fmt.Fprintln(a.Err, "Server:", d.Issuer())
		}
		return do(d)
	}
	return a.withAccounts(ctx, at.Tenant, func(c accounts) error {
		cfg, err := a.Config()
		if err != nil {
			return err
		}
		roots, err := installation.RootCAs(cfg.ExtraCAFile)
		if err != nil {
			return err
		}
		return do(&here.Desk{
			Store: c.store, Accounts: &c.Accounts, Asker: c.asker, By: ByCLI, Issuer: cfg.Issuer,
			Lifetimes: KeyLifetimes(cfg), Upstreams: server.UpstreamCalls(cfg, roots), Reach: server.Reach(cfg, roots),
			Counting: server.Counting(cfg),
			People:   func(ctx context.Context) (*people.Service, error) { return a.openPeople(ctx, cfg, c.store) },
			Keyring: func(ctx context.Context, do func(*keys.Ring) error) error {
				return a.withProvider(ctx, func(s *server.Server) error { return do(s.Provider.Keys) })
			},
			Finish: func(ctx context.Context, tenant, kind, id string) { a.finishRemoval(ctx, c.store, tenant, kind, id) },
		})
	})
}

// OpenRemote returns the desk at a server. Who asks is in the environment, because other processes can read flags.
func (a *App) OpenRemote(at PlaceFlags) (remote.Desk, error) {
	cfg, err := a.Config()
	if err != nil {
		return remote.Desk{}, err
	}
	c := api.Config{Server: at.Server, Tenant: at.Tenant, Agent: "vouchsafe/" + a.Version}
	for name, to := range map[string]*string{
		"CLIENT_ID": &c.ClientID, "CLIENT_SECRET": &c.ClientSecret, "TOKEN": &c.Token,
	} {
		if *to, err = settings.CommandVariable(a.Environ, name); err != nil {
			return remote.Desk{}, err
		}
	}
	if c.RootCAs, err = installation.RootCAs(cfg.ExtraCAFile); err != nil {
		return remote.Desk{}, err
	}
	return remote.New(c)
}

// TellRemoved prints what was removed. name is what people call it.
func (a *App) TellRemoved(asJSON bool, tenant, kind, id, name string) error {
	if asJSON {
		return a.PrintJSON(struct {
			Removed string `json:"removed"`
			ID      string `json:"id"`
			Tenant  string `json:"tenant,omitempty"`
		}{strings.ToLower(kind), id, tenant})
	}
	if tenant == "" {
		return a.PrintSentence("Removed %s %s.", kind, name)
	}
	return a.PrintSentence("Removed %s %s from tenant %s.", kind, name, tenant)
}
