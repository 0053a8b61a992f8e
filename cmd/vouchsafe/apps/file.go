package apps

import (
	"cmp"
	"context"
	"strings"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/declare"
)

// clientsFileArg is a clients file, and where its clients belong.
type clientsFileArg struct {
	File string `arg:"" help:"The clients file."`
	command.PlaceFlags
	command.JSONFlag
}

// clientApplyCmd brings the clients of a tenant in line with a clients file.
type clientApplyCmd struct {
	clientsFileArg
	command.YesFlag
}

// Run asks before it removes clients. It makes the signing keys that the file asks for, then the changes one after the
// other, each with its event, and prints them. If it is interrupted, run it again: what was applied is no change any
// more.
func (c *clientApplyCmd) Run(ctx context.Context, a *command.App) error {
	return c.plan(ctx, a, func(d desk.Desk, plan clients.Plan, file []clients.Declared) error {
		if gone := plan.Removed(); len(gone) > 0 {
			err := a.Approve(ctx, c.YesFlag, "%s no longer declares %s. This removes them from tenant %s with all that "+
				"users allowed them, for good.", c.File, strings.Join(gone, ", "), c.Tenant)
			if err != nil {
				return err
			}
		}
		return d.ApplyClients(ctx, plan, file)
	})
}

// printPlan prints what apply changes, or would change.
func printPlan(a *command.App, plan clients.Plan) {
	var changes []terminal.Change
	for _, ch := range plan {
		changes = append(changes, terminal.Change{Op: ch.Op, Kind: "client", ID: ch.ClientID, Fields: ch.Fields})
	}
	a.PrintChanges(changes)
}

// clientDiffCmd shows the plan of client apply.
type clientDiffCmd struct {
	clientsFileArg
	command.DiffFlags
}

// Run prints what apply would change, and changes nothing.
func (c *clientDiffCmd) Run(ctx context.Context, a *command.App) error {
	changes := 0
	err := c.plan(ctx, a, func(_ desk.Desk, plan clients.Plan, _ []clients.Declared) error {
		changes = len(plan)
		return nil
	})
	return cmp.Or(err, c.Outcome(changes))
}

// plan reads the file, calls do with what applying it changes, and prints that. Secrets of the sample file are good
// enough for the database of a server in development only.
func (c *clientsFileArg) plan(
	ctx context.Context, a *command.App, do func(desk.Desk, clients.Plan, []clients.Declared) error,
) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	file, err := declare.ReadClients(c.File, c.Server == "" && cfg.AcceptsSamples())
	if err != nil {
		return err
	}
	return command.RightFile(c.File, a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		plan, err := d.PlanClients(ctx, file)
		if err != nil {
			return err
		}
		if err := do(d, plan, file); err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(plan)
		}
		printPlan(a, plan)
		return nil
	}))
}
