package apps

import (
	"context"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/storage"
)

// clientEditCmd changes members of a client. They are named as in a clients file.
type clientEditCmd struct {
	whichClient
	command.PatchFlags
}

// Run prints the client, or whether there was a change.
func (c *clientEditCmd) Run(ctx context.Context, a *command.App) error {
	patch, err := c.Patch()
	if err != nil {
		return err
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		after, changed, err := d.EditClient(ctx, c.ClientID, patch)
		switch {
		case err != nil:
			return command.NoSuch(err, "client", c.ClientID)
		case c.JSON:
			return a.PrintJSON(viewClient(after))
		case !changed:
			return a.PrintSentence("Nothing has changed about client %s of tenant %s.", c.ClientID, c.Tenant)
		}
		return a.PrintSentence("Changed client %s of tenant %s.", c.ClientID, c.Tenant)
	})
}

// clientAllowCmd vouches for a client that no administrator added.
type clientAllowCmd struct{ whichClient }

// Run says that the client is allowed.
func (c *clientAllowCmd) Run(ctx context.Context, a *command.App) error {
	return onOutside(ctx, a, c.whichClient, "Allowed client %s of tenant %s.",
		func(d desk.Desk) error { return d.JudgeClient(ctx, c.ClientID, storage.VerdictAllowed) })
}

// clientDenyCmd refuses a client that no administrator added.
type clientDenyCmd struct {
	whichClient
	command.YesFlag
}

// Run asks first.
func (c *clientDenyCmd) Run(ctx context.Context, a *command.App) error {
	return onOutside(ctx, a, c.whichClient, "Denied client %s of tenant %s.", func(d desk.Desk) error {
		err := a.Approve(ctx, c.YesFlag, "This refuses client %s at tenant %s: what users allowed it stops working.",
			c.ClientID, c.Tenant)
		if err != nil {
			return err
		}
		return d.JudgeClient(ctx, c.ClientID, storage.VerdictDenied)
	})
}

// clientRefreshCmd has the document of a client read again.
type clientRefreshCmd struct{ whichClient }

// Run says that the document is read when the client is used next.
func (c *clientRefreshCmd) Run(ctx context.Context, a *command.App) error {
	return onOutside(ctx, a, c.whichClient, "The document of client %s of tenant %s is read again at its next use.",
		func(d desk.Desk) error { return d.RefreshClient(ctx, c.ClientID) })
}

// onOutside does something with a client that no administrator added, and says so; or prints the client as JSON.
func onOutside(ctx context.Context, a *command.App, which whichClient, done string, do func(desk.Desk) error) error {
	return a.WithDesk(ctx, which.PlaceFlags, func(d desk.Desk) error {
		if err := do(d); err != nil {
			return command.NoSuch(err, "client", which.ClientID)
		}
		if !which.JSON {
			return a.PrintSentence(done, which.ClientID, which.Tenant)
		}
		c, err := d.Client(ctx, which.ClientID)
		if err != nil {
			return command.NoSuch(err, "client", which.ClientID)
		}
		return a.PrintJSON(viewClient(c))
	})
}
