package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// UpstreamCmd is the family of commands about upstream providers, which are settings of tenants.
type UpstreamCmd struct {
	List upstreamListCmd `cmd:"" help:"List the upstream providers with which users can sign in. Change them with tenant apply."`
	Show upstreamShowCmd `cmd:"" help:"Show an upstream provider, without its secret."`
	Test upstreamTestCmd `cmd:"" help:"Try an upstream provider, without a user: what it says of itself, its keys and clock, and whether it takes the client."`
}

// upstreamListCmd lists the upstream providers of a tenant, in the order of the sign-in page.
type upstreamListCmd struct {
	command.PlaceFlags
	command.JSONFlag
}

func (c *upstreamListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		t, err := d.Tenant(ctx)
		if err != nil {
			return err
		}
		all, columns := command.Every(t.Settings.Upstreams), []string{"UPSTREAM", "NAME", "ISSUER", "CLIENT"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, command.Same[storage.Upstream], columns,
			func(u storage.Upstream) []string { return []string{u.ID, upstream.NameOf(u), u.Issuer, u.ClientID} })
	})
}

// whichUpstream names an upstream provider.
type whichUpstream struct {
	ID string `arg:"" help:"The provider's id, as in tenants.yaml." complete:"upstream"`
	command.PlaceFlags
	command.JSONFlag
}

// upstreamShowCmd shows the settings of a provider.
type upstreamShowCmd struct{ whichUpstream }

func (c *upstreamShowCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		t, err := d.Tenant(ctx)
		if err != nil {
			return err
		}
		u := t.Settings.Upstream(c.ID)
		if u == nil {
			return command.NoSuch(storage.ErrNotFound, "upstream provider", c.ID)
		}
		if c.JSON {
			return a.PrintJSON(u)
		}
		return a.PrintFields(terminal.FieldsOf(*u))
	})
}

// upstreamTestCmd asks a provider what a sign-in needs of it, without a user.
type upstreamTestCmd struct{ whichUpstream }

// Help says what the results mean.
func (*upstreamTestCmd) Help() string {
	return "The command asks the provider what a sign-in asks. A step passes, warns, fails, is skipped because another " +
		"step has to pass first, or is unknown because only a sign-in can show it. The exit code is 1 if a step fails."
}

// errTrial says that a step has failed, which is printed by then.
var errTrial = errors.New("users can't sign in through this provider until the failed steps pass")

func (c *upstreamTestCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		steps, err := d.TryUpstream(ctx, c.ID)
		if err != nil {
			return command.NoSuch(err, "upstream provider", c.ID)
		}
		works := upstream.Works(steps)
		if c.JSON {
			err = a.PrintJSON(struct {
				Works bool            `json:"works"`
				Steps []upstream.Step `json:"steps"`
			}{works, steps})
		} else {
			for _, s := range steps {
				fmt.Fprintf(a.Out, "%-8s %s: %s\n", terminal.Printable(s.Outcome), terminal.Printable(s.Name),
					terminal.Printable(s.Says))
			}
		}
		if err == nil && !works {
			err = errTrial
		}
		return err
	})
}
