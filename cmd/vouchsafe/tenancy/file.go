package tenancy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// tenantsFileArg is the file that a command is about.
type tenantsFileArg struct {
	File string `arg:"" help:"The tenants file."`
	command.ServerFlag
	command.JSONFlag
}

// secretsReader reads the master secrets: installation.OpenSecrets where something will be sealed.
type secretsReader func(ctx context.Context, cfg *settings.Config, s installation.Store) (*secret.Masters, error)

// plan reads the file, and calls do with what it changes.
func (c *tenantsFileArg) plan(ctx context.Context, a *command.App, secrets secretsReader,
	do func(installation.Store, tenants.Plan) error,
) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	file, err := declare.ReadTenants(c.File, cfg.Issuer)
	if err != nil {
		return err
	}
	return command.RightFile(c.File, a.WithStore(ctx, func(s installation.Store) error {
		m, err := secrets(ctx, cfg, s)
		if err != nil {
			return err
		}
		roots, err := installation.RootCAs(cfg.ExtraCAFile)
		if err != nil {
			return err
		}
		plan, err := tenants.NewPlan(ctx, s, m, file, server.DeclaredWebhooks(cfg, s, m, roots, command.ByCLI))
		if err != nil {
			return err
		}
		if err := do(s, plan); err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(plan)
		}
		printTenantPlan(a, plan)
		return nil
	}))
}

// printTenantPlan prints what apply changes, or would change.
func printTenantPlan(a *command.App, plan tenants.Plan) {
	var changes []terminal.Change
	for _, ch := range plan {
		changes = append(changes, terminal.Change{Op: ch.Op, Kind: "tenant", ID: ch.ID, Fields: ch.Fields})
	}
	a.PrintChanges(changes)
}

// tenantApplyCmd brings rules and branding in line with a tenants file.
type tenantApplyCmd struct {
	tenantsFileArg
	command.YesFlag
}

// Run asks before it takes something away. It makes the changes one after the other, each with its event, and prints
// them.
func (c *tenantApplyCmd) Run(ctx context.Context, a *command.App) error {
	if c.Server != "" {
		return c.planAt(ctx, a, func(d remote.Desk, plan tenants.Plan, gone []string, members []map[string]any) error {
			if err := c.ask(ctx, a, gone); err != nil {
				return err
			}
			for i, ch := range plan {
				if err := d.PutTenant(ctx, ch.ID, members[i]); err != nil {
					return fmt.Errorf("%s tenant %s: %w", ch.Op, ch.ID, err)
				}
			}
			return nil
		})
	}
	return c.plan(ctx, a, installation.OpenSecrets, func(s installation.Store, plan tenants.Plan) error {
		if err := c.ask(ctx, a, plan.Removed()); err != nil {
			return err
		}
		return plan.Apply(ctx, s, command.ByCLI)
	})
}

// ask asks before something is taken away.
func (c *tenantApplyCmd) ask(ctx context.Context, a *command.App, gone []string) error {
	if len(gone) == 0 {
		return nil
	}
	return a.Approve(ctx, c.YesFlag, "%s no longer declares %s. Users and apps can no longer use what this takes away.",
		c.File, strings.Join(gone, ", "))
}

// planAt reads the file, and calls do with what it changes at a server, which names it, and the members of each tenant
// of the plan. The caller has to be an operator: tenants of a file are those of the installation.
func (c *tenantsFileArg) planAt(
	ctx context.Context, a *command.App,
	do func(d remote.Desk, plan tenants.Plan, gone []string, members []map[string]any) error,
) error {
	file, err := declare.ReadTenants(c.File, c.Server)
	if err != nil {
		return err
	}
	d, err := a.OpenRemote(c.Place())
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Err, "Server:", d.Issuer())
	plan, gone, all := tenants.Plan{}, []string(nil), []map[string]any(nil)
	for _, t := range file {
		members, err := t.Members()
		if err != nil {
			return err
		}
		ch := tenants.Change{Op: tenants.Changes, ID: t.ID}
		was, err := d.TenantOf(ctx, t.ID)
		if errors.Is(err, storage.ErrNotFound) {
			ch.Op, err = tenants.Adds, nil
		}
		if err == nil {
			ch.Fields, err = d.PreviewTenant(ctx, t.ID, members)
		}
		if err != nil {
			return fmt.Errorf("tenant %s: %w", t.ID, err)
		}
		if ch.Op == tenants.Adds || len(ch.Fields) > 0 {
			plan, all, gone = append(plan, ch), append(all, members), append(gone, t.Missing(&was.Tenant)...)
			gone = append(gone, goneWebhooks(ch)...)
		}
	}
	if err := do(d, plan, gone, all); err != nil {
		return err
	}
	if c.JSON {
		return a.PrintJSON(plan)
	}
	printTenantPlan(a, plan)
	return nil
}

// goneWebhooks names the webhooks that a change at a server removes.
func goneWebhooks(ch tenants.Change) (names []string) {
	for _, f := range ch.Fields {
		if id, ok := strings.CutPrefix(f.Name, "webhooks."); ok && f.To == nil {
			names = append(names, "webhook "+id+" of tenant "+ch.ID)
		}
	}
	return names
}

// tenantDiffCmd shows the plan of tenant apply.
type tenantDiffCmd struct {
	tenantsFileArg
	command.DiffFlags
}

// Run prints what apply would change, and changes nothing. It records no use of the master secret.
func (c *tenantDiffCmd) Run(ctx context.Context, a *command.App) error {
	changes := 0
	if c.Server != "" {
		err := c.planAt(ctx, a, func(_ remote.Desk, plan tenants.Plan, _ []string, _ []map[string]any) error {
			changes = len(plan)
			return nil
		})
		return cmp.Or(err, c.Outcome(changes))
	}
	err := c.plan(ctx, a, installation.CheckSecrets, func(_ installation.Store, plan tenants.Plan) error {
		changes = len(plan)
		return nil
	})
	if err != nil {
		return err
	}
	return c.Outcome(changes)
}
