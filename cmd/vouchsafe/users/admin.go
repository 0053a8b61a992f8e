package users

import (
	"context"
	"errors"
	"fmt"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/report"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// AdminCmd is the family of commands about administrators, who may use the management API.
type AdminCmd struct {
	Add    adminAddCmd    `cmd:"" help:"Make a user an administrator, who may use the management API. If no user has the address, add one."`
	List   adminListCmd   `cmd:"" help:"List the administrators of a tenant."`
	Remove adminRemoveCmd `cmd:"" help:"Take the role from an administrator. The user stays."`
}

// adminAddCmd makes a user an administrator, or gives an administrator another role.
type adminAddCmd struct {
	User          string `arg:"" help:"Their email address; or the id or username of a user who exists." complete:"user"`
	Role          string `required:"" enum:"owner,admin,support,auditor" help:"What they may do: owner (everything), admin (everything but naming administrators, changing upstream providers and keys, and managing other tenants), support (help users) or auditor (read)." placeholder:"ROLE"`
	PasswordStdin bool   `help:"Read the password of a new user from standard input. Without it, a terminal asks for the password; elsewhere a new user gets none, and sets one with a code from the page for forgotten passwords."`
	command.PlaceFlags
	command.JSONFlag
}

// administratorView is an administrator as commands print them.
type administratorView struct {
	ID       string `json:"id"`
	Email    string `json:"email,omitempty"`
	Username string `json:"username,omitempty"`
	Role     string `json:"role"`
	Disabled bool   `json:"disabled"`
}

// viewAdministrator returns what commands print of an administrator.
func viewAdministrator(u storage.User) administratorView {
	return administratorView{u.ID, u.Email, u.Username, u.AdminRole, u.Disabled}
}

// cells returns the columns of a table of administrators.
func (v administratorView) cells() []string {
	state := "enabled"
	if v.Disabled {
		state = "disabled"
	}
	return []string{v.Email, v.Username, v.Role, state, v.ID}
}

// Run adds the user if there is none with the address. It is how a production installation gets its first
// administrator.
func (c *adminAddCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		u, err := d.FindUser(ctx, c.User)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			u, err = c.add(ctx, a, d)
		case err == nil:
			err = d.SetRole(ctx, u.ID, c.Role)
		}
		if errors.Is(err, storage.ErrLastOwner) {
			return errLastOwner
		}
		if err != nil {
			return report.Hinted(err)
		}
		u.AdminRole = c.Role
		if c.JSON {
			return a.PrintJSON(viewAdministrator(u))
		}
		return a.PrintSentence("%s has the role "+c.Role+" now.", command.Addressed(u)+" in tenant "+c.Tenant)
	})
}

// errLastOwner explains storage.ErrLastOwner. The store decides: of two commands that run at the same time, one fails.
var errLastOwner = errors.New("the tenant would be left without an owner: make another user an owner first")

// add adds the user as an administrator. An administrator at the command line vouches for the address.
func (c *adminAddCmd) add(ctx context.Context, a *command.App, d desk.Desk) (storage.User, error) {
	row := importing.Row{Email: c.User, EmailVerified: true}
	if err := d.CheckUser(ctx, row, true); err != nil {
		return storage.User{}, fmt.Errorf("there is no such user, and none can be added: %w", err)
	}
	p, err := a.ReadPassword(ctx, c.PasswordStdin)
	if err != nil {
		return storage.User{}, err
	}
	return d.AddAdministrator(ctx, row, p, c.Role)
}

// adminListCmd lists the administrators of a tenant by id.
type adminListCmd struct {
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the administrators while it reads them.
func (c *adminListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		columns := []string{"EMAIL", "USERNAME", "ROLE", "STATE", "ID"}
		all := d.Administrators(ctx)
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewAdministrator, columns, administratorView.cells)
	})
}

// adminRemoveCmd takes the role from an administrator.
type adminRemoveCmd struct {
	who
	command.JSONFlag
}

// Run takes the role with its event. The user stays, and can sign in.
func (c *adminRemoveCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		err := d.SetRole(ctx, u.ID, "")
		if errors.Is(err, storage.ErrLastOwner) {
			return errLastOwner
		}
		if err != nil {
			return err
		}
		return c.tell(ctx, a, d, u, c.JSON, "%s is no administrator any more.")
	})
}
