package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/report"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// adminCmd is the family of commands about administrators, who may use the management API.
type adminCmd struct {
	Add    adminAddCmd    `cmd:"" help:"Make a user an administrator, who may use the management API. If no user has the address, add one."`
	List   adminListCmd   `cmd:"" help:"List the administrators of a tenant."`
	Remove adminRemoveCmd `cmd:"" help:"Take the role from an administrator. The user stays."`
}

// adminAddCmd makes a user an administrator, or gives an administrator another role.
type adminAddCmd struct {
	User          string `arg:"" help:"Their email address; or the id or username of a user who exists." complete:"user"`
	Role          string `required:"" enum:"owner,admin,support,auditor" help:"What they may do: owner (everything), admin (everything but naming administrators, changing upstream providers and keys, and managing other tenants), support (help users) or auditor (read)." placeholder:"ROLE"`
	PasswordStdin bool   `help:"Read the password of a new user from standard input. Without it, a terminal asks for the password; elsewhere a new user gets none, and sets one with a code from the page for forgotten passwords."`
	placeFlags
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
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
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
		return a.PrintSentence("%s has the role "+c.Role+" now.", addressed(u)+" in tenant "+c.Tenant)
	})
}

// errLastOwner explains storage.ErrLastOwner. The store decides: of two commands that run at the same time, one fails.
var errLastOwner = errors.New("the tenant would be left without an owner: make another user an owner first")

// add adds the user as an administrator. An administrator at the command line vouches for the address.
func (c *adminAddCmd) add(ctx context.Context, a *app, d desk.Desk) (storage.User, error) {
	row := importing.Row{Email: c.User, EmailVerified: true}
	if err := d.CheckUser(ctx, row, true); err != nil {
		return storage.User{}, fmt.Errorf("there is no such user, and none can be added: %w", err)
	}
	p, err := a.readPassword(ctx, c.PasswordStdin)
	if err != nil {
		return storage.User{}, err
	}
	return d.AddAdministrator(ctx, row, p, c.Role)
}

// adminListCmd lists the administrators of a tenant by id.
type adminListCmd struct {
	placeFlags
	jsonFlag
}

// Run prints the administrators while it reads them.
func (c *adminListCmd) Run(ctx context.Context, a *app) error {
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		columns := []string{"EMAIL", "USERNAME", "ROLE", "STATE", "ID"}
		all := d.Administrators(ctx)
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

// userSignInAsCmd makes the link by which an administrator signs in as a user.
type userSignInAsCmd struct {
	User   string `arg:"" help:"Their id, email address or username." complete:"user"`
	As     string `help:"The administrator who will use the link: id, email address or username. With --server it is the user of the access token." placeholder:"ADMIN"`
	Reason string `required:"" help:"Why, in one line. The user can read it." placeholder:"TEXT"`
	placeFlags
	jsonFlag
}

// signInAsView is the link as the command prints it.
type signInAsView struct {
	Link      string    `json:"link"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Run prints the link, and until when it works. The link opens nothing by itself: see package acting.
func (c *userSignInAsCmd) Run(ctx context.Context, a *app) error {
	switch {
	case c.Server != "" && c.As != "":
		return misused("with --server, the administrator is the user of the access token: leave out --as")
	case c.Server == "" && c.As == "":
		return misused("write --as, and the administrator who will use the link")
	}
	return a.withDesk(ctx, c.placeFlags, func(d desk.Desk) error {
		var by *storage.User
		administrator := "The administrator"
		if c.As != "" {
			found, err := d.FindUser(ctx, c.As)
			if err != nil {
				return noSuch(err, "user", c.As)
			}
			by, administrator = &found, terminal.Printable(addressed(found))
		}
		u, err := d.FindUser(ctx, c.User)
		if err != nil {
			return noSuch(err, "user", c.User)
		}
		link, until, err := d.SignInAs(ctx, u, by, c.Reason)
		if err != nil {
			return c.explained(err)
		}
		if c.JSON {
			return a.PrintJSON(signInAsView{link, until})
		}
		fmt.Fprintln(a.Out, terminal.Printable(link))
		fmt.Fprintf(a.Err, "%s opens the link in a browser, once, until %s, and proves who they are there.\n",
			administrator, terminal.Zoned(until))
		return nil
	})
}

// explained returns the error with what the operator can do about it.
func (c *userSignInAsCmd) explained(err error) error {
	var faults people.Faults
	switch {
	case errors.Is(err, acting.ErrOff):
		return fmt.Errorf("administrators of %s don't sign in as users: set sign_in_as.enabled to true in tenants.yaml "+
			"(tenant apply)", c.Tenant)
	case errors.Is(err, acting.ErrNotAllowed):
		return fmt.Errorf("%s is no administrator who may do that: give them the role owner, admin or support "+
			"(admin add)", c.As)
	case errors.Is(err, acting.ErrAdministrator):
		return fmt.Errorf("%s is an administrator: no other user can sign in as one", c.User)
	case errors.Is(err, acting.ErrDisabled):
		return fmt.Errorf("%s is disabled", c.User)
	case errors.As(err, &faults):
		return misused("--reason has to be one line of 1 to %d characters", acting.MaxReason)
	}
	return err
}
