package users

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/storage"
)

// userSignInAsCmd makes the link by which an administrator signs in as a user.
type userSignInAsCmd struct {
	User   string `arg:"" help:"Their id, email address or username." complete:"user"`
	As     string `help:"The administrator who will use the link: id, email address or username. With --server it is the user of the access token." placeholder:"ADMIN"`
	Reason string `required:"" help:"Why, in one line. The user can read it." placeholder:"TEXT"`
	command.PlaceFlags
	command.JSONFlag
}

// signInAsView is the link as the command prints it.
type signInAsView struct {
	Link      string    `json:"link"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Run prints the link, and until when it works. The link opens nothing by itself: see package acting.
func (c *userSignInAsCmd) Run(ctx context.Context, a *command.App) error {
	switch {
	case c.Server != "" && c.As != "":
		return command.Misused("with --server, the administrator is the user of the access token: leave out --as")
	case c.Server == "" && c.As == "":
		return command.Misused("write --as, and the administrator who will use the link")
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		var by *storage.User
		administrator := "The administrator"
		if c.As != "" {
			found, err := d.FindUser(ctx, c.As)
			if err != nil {
				return command.NoSuch(err, "user", c.As)
			}
			by, administrator = &found, terminal.Printable(command.Addressed(found))
		}
		u, err := d.FindUser(ctx, c.User)
		if err != nil {
			return command.NoSuch(err, "user", c.User)
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
		return command.Misused("--reason has to be one line of 1 to %d characters", acting.MaxReason)
	}
	return err
}
