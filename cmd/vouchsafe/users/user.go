package users

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/report"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// UserCmd is the family of commands about users.
type UserCmd struct {
	Add           userAddCmd           `cmd:"" help:"Add a user."`
	Invite        userInviteCmd        `cmd:"" help:"Invite a user by email, and print the link."`
	List          userListCmd          `cmd:"" help:"List users."`
	Find          userFindCmd          `cmd:"" help:"Find users by the beginning of their email address, username, name, phone number or id."`
	Show          userShowCmd          `cmd:"" help:"Show a user."`
	Edit          userEditCmd          `cmd:"" help:"Change a user's email address, username, name, phone number or other data."`
	Password      userPasswordCmd      `cmd:"" help:"Set a user's password, and sign them out everywhere."`
	Recover       userRecoverCmd       `cmd:"" help:"Remove the second factors and passkeys of a user who lost them. Verify the user's identity first."`
	Disable       userDisableCmd       `cmd:"" help:"Disable a user: they are signed out everywhere and cannot sign in."`
	Enable        userEnableCmd        `cmd:"" help:"Enable a disabled user."`
	Remove        userRemoveCmd        `cmd:"" help:"Remove a user with all their data, for good."`
	SendReset     userSendResetCmd     `cmd:"" help:"Send a user the email with which they set a new password."`
	Sessions      userSessionsCmd      `cmd:"" help:"List where a user is signed in."`
	SignOut       userSignOutCmd       `cmd:"" help:"Sign a user out: of one session, or everywhere."`
	Passkeys      userPasskeysCmd      `cmd:"" help:"List a user's passkeys."`
	RemovePasskey userRemovePasskeyCmd `cmd:"" help:"Remove one of a user's passkeys."`
	Grants        userGrantsCmd        `cmd:"" help:"List a user's grants: what clients may do for the user."`
	RevokeGrant   userRevokeCmd        `cmd:"" help:"Revoke a grant: its tokens are void."`
	Apps          userAppsCmd          `cmd:"" help:"List the clients that may use a user's account."`
	Disconnect    userDisconnectCmd    `cmd:"" help:"Withdraw a user's consent to a client, and revoke all that the client was given."`
	Identities    userIdentitiesCmd    `cmd:"" help:"List a user's accounts at upstream providers."`
	Unlink        userUnlinkCmd        `cmd:"" help:"Unlink a user's account at an upstream provider."`
	LiftLimits    userLiftLimitsCmd    `cmd:"" name:"lift-limits" help:"Forget the attempts at a user's account, so that they need not wait."`
	SignInAs      userSignInAsCmd      `cmd:"" name:"sign-in-as" help:"Print a link by which an administrator signs in as a user, to help."`
	Check         userCheckCmd         `cmd:"" help:"List users whose email address or username today's rules would refuse."`
	Import        userImportCmd        `cmd:"" help:"Import users from a file, with their passwords."`
	Export        userExportCmd        `cmd:"" help:"Export users as JSON lines that user import can read."`
}

// userAddCmd adds a user.
type userAddCmd struct {
	Email         string `arg:"" help:"The email address."`
	Username      string `help:"A name to sign in with, besides the email address." placeholder:"NAME"`
	Name          string `help:"Their full name." placeholder:"TEXT"`
	GivenName     string `help:"Their given name." placeholder:"TEXT"`
	FamilyName    string `help:"Their family name." placeholder:"TEXT"`
	Profile       string `type:"path" help:"A file with more of their profile: a JSON object of OpenID Connect claims, such as nickname, birthdate, phone_number and address." placeholder:"FILE"`
	Verified      bool   `help:"The email address is confirmed to be theirs."`
	Admin         bool   `help:"Give them the role admin, which apps may read. It does not make an administrator: see vouchsafe admin add."`
	Reserved      bool   `help:"Allow a username that the tenant reserves, such as support."`
	PasswordStdin bool   `help:"Read their password from standard input; a weak one causes a warning, not an error. Without it, a terminal asks for the password; elsewhere they get none, and cannot sign in until you set one (user password)."`
	command.PlaceFlags
	command.JSONFlag
}

// Run adds the user, who may sign in at once if there is a password, and prints the id. It sends no email.
func (c *userAddCmd) Run(ctx context.Context, a *command.App) error {
	row, err := c.row()
	if err != nil {
		return err
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		// Checked before the password is asked for.
		if err := d.CheckUser(ctx, row, c.Reserved); err != nil {
			return report.Hinted(err)
		}
		p, err := a.ReadPassword(ctx, c.PasswordStdin)
		if err != nil {
			return err
		}
		added, err := d.AddUser(ctx, row, c.Reserved, p)
		if err != nil {
			return err
		}
		if p.Text == "" {
			fmt.Fprintf(a.Err, "%s has no password yet: vouchsafe user password %s\n", c.Email, c.Email)
		}
		if c.JSON {
			return a.PrintJSON(viewUser(added))
		}
		fmt.Fprintf(a.Err, "Added %s to tenant %s.\n", terminal.Printable(command.Addressed(added)), c.Tenant)
		fmt.Fprintln(a.Out, terminal.Printable(added.ID))
		return nil
	})
}

// row returns what the flags and the file of the profile say.
func (c *userAddCmd) row() (importing.Row, error) {
	row := importing.Row{Email: c.Email, EmailVerified: c.Verified, Username: c.Username}
	if strings.TrimSpace(c.Email) == "" {
		return row, command.Misused("the email address is empty")
	}
	if err := readProfile(c.Profile, &row); err != nil {
		return row, err
	}
	if c.Admin {
		row.Roles = []string{storage.RoleAdmin}
	}
	for _, f := range []struct {
		to   *string
		flag string
	}{{&row.Profile.Name, c.Name}, {&row.Profile.GivenName, c.GivenName}, {&row.Profile.FamilyName, c.FamilyName}} {
		if f.flag != "" {
			*f.to = f.flag
		}
	}
	return row, nil
}

// userShowCmd prints what is stored about a user, and how the account stands.
type userShowCmd struct {
	who
	command.JSONFlag
}

// Run prints no password and no secret, only which of them there are.
func (c *userShowCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		standing, err := d.Standing(ctx, u)
		if err != nil {
			return err
		}
		v := viewAccount(u, standing)
		if c.JSON {
			return a.PrintJSON(v)
		}
		return a.PrintFields(v.fields())
	})
}

// userPasswordCmd sets the password of a user.
type userPasswordCmd struct {
	who
	command.JSONFlag
	PasswordStdin bool `help:"Read it from standard input instead of asking on the terminal."`
}

// Run stores the password, which ends all sessions of the user, and prints how many those were.
func (c *userPasswordCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		if !c.PasswordStdin && !a.Interactive() {
			return errors.New("there is no terminal on which to ask for the password: use --password-stdin")
		}
		p, err := a.ReadPassword(ctx, c.PasswordStdin)
		if err != nil {
			return err
		}
		sessions, err := d.Sessions(ctx, u)
		if err != nil {
			return err
		}
		if err := d.SetPassword(ctx, u, p); err != nil {
			return err
		}
		return c.tell(ctx, a, d, u, c.JSON, "Set the password of %s; "+sessionsEnded(len(sessions))+".")
	})
}

// userRecoverCmd helps a user who lost every second factor.
type userRecoverCmd struct {
	who
	command.YesFlag
	command.JSONFlag
}

// Run asks first: an attacker who persuades an administrator to run it needs the password only.
func (c *userRecoverCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		err := a.Approve(ctx, c.YesFlag, "This removes the authenticator app, the recovery codes, all passkeys and all "+
			"trusted devices of %s. First make sure that it's really them who ask.", command.Addressed(u))
		if err != nil {
			return err
		}
		if err := d.RemoveFactors(ctx, u.ID); err != nil {
			return err
		}
		return c.tell(ctx, a, d, u, c.JSON, "Removed all second factors, passkeys and trusted devices of %s.")
	})
}

// userDisableCmd locks a user out until user enable.
type userDisableCmd struct {
	who
	command.JSONFlag
}

// Run ends all sessions and grants of the user, and prints how many sessions those were.
func (c *userDisableCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		sessions, err := d.Sessions(ctx, u)
		if err != nil {
			return err
		}
		if err := d.DisableUser(ctx, u.ID); err != nil {
			return err
		}
		return c.tell(ctx, a, d, u, c.JSON, "Disabled %s; "+sessionsEnded(len(sessions))+".")
	})
}

// userEnableCmd lets a disabled user in again.
type userEnableCmd struct {
	who
	command.JSONFlag
}

// Run enables the user. Sessions that the disablement ended stay ended.
func (c *userEnableCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		if err := d.EnableUser(ctx, u.ID); err != nil {
			return err
		}
		return c.tell(ctx, a, d, u, c.JSON, "Enabled %s.")
	})
}

// userRemoveCmd removes a user for good.
type userRemoveCmd struct {
	who
	command.YesFlag
	command.JSONFlag
}

// Run asks first. The id is never given to another user.
func (c *userRemoveCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		err := a.Approve(ctx, c.YesFlag, "This removes %s from tenant %s with all their data, for good. (user disable locks "+
			"them out, and can be undone.)", command.Addressed(u), c.Tenant)
		if err != nil {
			return err
		}
		if err := d.RemoveUser(ctx, u.ID); err != nil {
			return err
		}
		return a.TellRemoved(c.JSON, c.Tenant, "user", u.ID, command.Addressed(u))
	})
}
