package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/report"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// adminCmd is the family of commands about administrators, who may use the management API.
type adminCmd struct {
	Add    adminAddCmd    `cmd:"" help:"Make a user an administrator of a tenant, who may use the management API; a new user, if there is none with the address."`
	List   adminListCmd   `cmd:"" help:"List the administrators of a tenant."`
	Remove adminRemoveCmd `cmd:"" help:"Take the role from an administrator. The user stays."`
}

// adminAddCmd makes a user an administrator, or gives an administrator another role.
type adminAddCmd struct {
	User          string `arg:"" help:"Their email address; or the id or username of a user who exists." complete:"user"`
	Role          string `required:"" enum:"owner,admin,support,auditor" help:"What they may do: owner (everything), admin (everything but what would make an owner), support (help users) or auditor (read)." placeholder:"ROLE"`
	PasswordStdin bool   `help:"Read the password of a new user from standard input. Without it, a terminal asks for the password; elsewhere a new user gets none, and asks for a code to set one."`
	tenantFlag
	jsonFlag
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
func (c *adminAddCmd) Run(ctx context.Context, a *app) error {
	return a.withAccounts(ctx, c.Tenant, func(d desk) error {
		u, err := d.Find(ctx, d.asker, c.User)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			u, err = c.add(ctx, a, d)
		case err == nil:
			err = d.SetRole(ctx, d.asker, u.ID, c.Role)
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
		return a.PrintSentence("%s has the role "+c.Role+" now.", addressed(u)+" in tenant "+c.Tenant)
	})
}

// errLastOwner explains storage.ErrLastOwner. The store decides: of two commands that run at the same time, one fails.
var errLastOwner = errors.New("the tenant would be left without an owner: make another user an owner first")

// add adds the user as an administrator. An administrator at the command line vouches for the address.
func (c *adminAddCmd) add(ctx context.Context, a *app, d desk) (storage.User, error) {
	n, err := d.Check(ctx, d.asker, importing.Row{Email: c.User, EmailVerified: true}, true)
	if err != nil {
		return storage.User{}, fmt.Errorf("there is no such user, and none can be added: %w", err)
	}
	secret, err := a.readPassword(ctx, c.PasswordStdin)
	if err != nil {
		return storage.User{}, err
	}
	hash, err := a.newPassword(ctx, d, n.User(), secret, c.PasswordStdin)
	if err != nil {
		return storage.User{}, err
	}
	return d.Add(ctx, d.asker, n.As(c.Role), hash)
}

// adminListCmd lists the administrators of a tenant by id.
type adminListCmd struct {
	tenantFlag
	jsonFlag
}

// Run prints the administrators while it reads them.
func (c *adminListCmd) Run(ctx context.Context, a *app) error {
	return a.withAccounts(ctx, c.Tenant, func(d desk) error {
		all := some(pageFlags{}, func(after string) ([]storage.User, error) {
			return d.Administrators(ctx, d.asker, after, listing.PageSize)
		}, func(u storage.User) string { return u.ID })
		columns := []string{"EMAIL", "USERNAME", "ROLE", "STATE", "ID"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewAdministrator, columns, administratorView.cells)
	})
}

// adminRemoveCmd takes the role from an administrator.
type adminRemoveCmd struct {
	who
	jsonFlag
}

// Run takes the role with its event. The user stays, and can sign in.
func (c *adminRemoveCmd) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, func(d desk, u storage.User) error {
		err := d.SetRole(ctx, d.asker, u.ID, "")
		if errors.Is(err, storage.ErrLastOwner) {
			return errLastOwner
		}
		if err != nil {
			return err
		}
		return c.tell(ctx, a, d, u, c.JSON, "%s is no administrator any more.")
	})
}
