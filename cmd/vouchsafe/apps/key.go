package apps

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
)

// APIKeyCmd is the family of commands about API keys.
type APIKeyCmd struct {
	List   apiKeyListCmd   `cmd:"" help:"List the API keys of a client or a user."`
	Add    apiKeyAddCmd    `cmd:"" help:"Give a client an API key. Users make their own."`
	Rotate apiKeyRotateCmd `cmd:"" help:"Replace an API key of a client by a new one with the same name, scopes and life."`
	Remove apiKeyRemoveCmd `cmd:"" help:"Revoke an API key of a client or a user: from now on it is refused."`
}

// keyOwnerFlags name the owner of API keys.
type keyOwnerFlags struct {
	ClientID string `name:"client" xor:"owner" required:"" help:"The client that has the key." placeholder:"CLIENT-ID" complete:"client"`
	User     string `xor:"owner" required:"" help:"The user who has the key: an id, an email address or a username." placeholder:"USER" complete:"user"`
}

// owner returns the owner, which has to exist.
func (f keyOwnerFlags) owner(ctx context.Context, d desk.Desk) (desk.KeyOwner, error) {
	if f.User == "" {
		_, err := d.Client(ctx, f.ClientID)
		return desk.KeyOwner{ClientID: f.ClientID}, command.NoSuch(err, "client", f.ClientID)
	}
	u, err := d.FindUser(ctx, f.User)
	return desk.KeyOwner{UserID: u.ID}, command.NoSuch(err, "user", f.User)
}

// apiKeyListCmd lists API keys.
type apiKeyListCmd struct {
	keyOwnerFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the keys, newest first. None of them can be shown again.
func (c *apiKeyListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		owner, err := c.owner(ctx, d)
		if err != nil {
			return err
		}
		all, err := d.APIKeys(ctx, owner)
		if err != nil {
			return err
		}
		columns := []string{"ID", "NAME", "KEY", "SCOPES", "EXPIRES", "LAST USED"}
		return terminal.PrintList(&a.Terminal, c.JSON, command.Every(all), command.Same[apikeys.Shown], columns,
			func(k apikeys.Shown) []string {
				used := "never"
				if k.UsedAt != nil {
					used = terminal.Zoned(*k.UsedAt)
				}
				return []string{k.ID, k.Name, k.Start + "…", strings.Join(k.Scopes, " "), terminal.Zoned(k.ExpiresAt), used}
			})
	})
}

// clientKeyFlags name the client of an API key that is made.
type clientKeyFlags struct {
	ClientID string `name:"client" required:"" help:"The client that gets the key." placeholder:"CLIENT-ID" complete:"client"`
}

// apiKeyAddCmd adds an API key.
type apiKeyAddCmd struct {
	Name     string        `arg:"" help:"What the key is for."`
	Scope    []string      `sep:"none" required:"" help:"What it may do: a scope of the client. Repeatable." placeholder:"SCOPE"`
	Lifetime time.Duration `help:"How long it lives: 90 days, if left out, and at most what the tenant allows." placeholder:"DURATION"`
	clientKeyFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the key, which cannot be shown again.
func (c *apiKeyAddCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		n := apikeys.New{Name: c.Name, Scopes: c.Scope, Life: c.Lifetime}
		made, err := d.AddAPIKey(ctx, c.ClientID, n)
		if err != nil {
			return command.NoSuch(err, "client", c.ClientID)
		}
		return tellAPIKey(a, c.JSON, made)
	})
}

// tellAPIKey prints a new API key.
func tellAPIKey(a *command.App, asJSON bool, made desk.MadeAPIKey) error {
	if asJSON {
		return a.PrintJSON(made)
	}
	fmt.Fprintln(a.Out, terminal.Printable(made.Key))
	fmt.Fprintf(a.Err, "The key is shown once: Vouchsafe keeps only a hash of it. It ends %s. Its id is %s.\n",
		terminal.Zoned(made.ExpiresAt), terminal.Printable(made.ID))
	return nil
}

// apiKeyRotateCmd replaces an API key.
type apiKeyRotateCmd struct {
	ID      string        `arg:"" help:"The id, as shown by api-key list." complete:"api-key"`
	Overlap time.Duration `default:"24h" help:"How long the replaced key lives on, at most 720h." placeholder:"DURATION"`
	clientKeyFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the new key, which cannot be shown again.
func (c *apiKeyRotateCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		made, err := d.RotateAPIKey(ctx, c.ClientID, c.ID, c.Overlap)
		if err != nil {
			return command.NoSuch(err, "API key of client "+c.ClientID, c.ID)
		}
		return tellAPIKey(a, c.JSON, made)
	})
}

// apiKeyRemoveCmd revokes an API key.
type apiKeyRemoveCmd struct {
	ID string `arg:"" help:"The id, as shown by api-key list." complete:"api-key"`
	keyOwnerFlags
	command.YesFlag
	command.PlaceFlags
	command.JSONFlag
}

// Run asks first.
func (c *apiKeyRemoveCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		owner, err := c.owner(ctx, d)
		if err != nil {
			return err
		}
		err = a.Approve(ctx, c.YesFlag, "This revokes API key %s of %s: from now on it is refused.", c.ID,
			cmp.Or(c.ClientID, c.User))
		if err != nil {
			return err
		}
		if err := d.RemoveAPIKey(ctx, owner, c.ID); err != nil {
			return command.NoSuch(err, "API key", c.ID)
		}
		return a.TellRemoved(c.JSON, c.Tenant, "API key", c.ID, c.ID)
	})
}
