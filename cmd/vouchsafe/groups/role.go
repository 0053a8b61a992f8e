package groups

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/storage"
)

// RoleCmd is the family of commands about the roles that apps and APIs define. The roles of administrators are another
// thing: see users.AdminCmd.
type RoleCmd struct {
	Add     roleAddCmd     `cmd:"" help:"Add a role at a client or an API."`
	List    roleListCmd    `cmd:"" help:"List the roles of a client or an API."`
	Edit    roleEditCmd    `cmd:"" help:"Give a role another title."`
	Remove  roleRemoveCmd  `cmd:"" help:"Remove a role, and take it from all who have it."`
	Give    roleGiveCmd    `cmd:"" help:"Give a role to a user, a group or a client."`
	Take    roleTakeCmd    `cmd:"" help:"Take a role from a user, a group or a client."`
	Holders roleHoldersCmd `cmd:"" help:"List the users, groups and clients that were given a role."`
}

// ownerFlags say what a role belongs to.
type ownerFlags struct {
	Client string `help:"The client that the role belongs to." placeholder:"CLIENT-ID" complete:"client" xor:"owner" required:""`
	API    string `name:"api" help:"The API that the role belongs to." placeholder:"URI" complete:"api" xor:"owner" required:""`
	command.PlaceFlags
	command.JSONFlag
}

// owner names what the role belongs to.
func (c *ownerFlags) owner() string {
	if c.API != "" {
		return "API " + c.API
	}
	return "client " + c.Client
}

// exists returns an error if there is no such client or API.
func (c *ownerFlags) exists(ctx context.Context, d desk.Desk) error {
	if c.API == "" {
		_, err := d.Client(ctx, c.Client)
		return command.NoSuch(err, "client", c.Client)
	}
	t, err := d.Tenant(ctx)
	if err != nil {
		return command.NoSuch(err, "tenant", c.Tenant)
	}
	if t.Settings.API(c.API) == nil {
		return command.NoSuch(storage.ErrNotFound, "API", c.API)
	}
	return nil
}

// whichRole names a role.
type whichRole struct {
	Role string `arg:"" help:"The role's name." complete:"role"`
	ownerFlags
}

// name returns the role's name as it is stored.
func (c *whichRole) name() storage.RoleName {
	return storage.RoleName{Client: c.Client, API: c.API, Name: c.Role}
}

// roleView is a role as commands print it.
type roleView struct {
	Name      string    `json:"name"`
	Client    string    `json:"client,omitempty"`
	API       string    `json:"api,omitempty"`
	Title     string    `json:"title,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// viewRole returns what commands print of a role.
func viewRole(r storage.Role) roleView {
	return roleView{r.Name, r.Client, r.API, r.Title, r.CreatedAt}
}

// roleAddCmd adds a role at a client or an API.
type roleAddCmd struct {
	whichRole
	Title string `help:"What administrators call it." placeholder:"TEXT"`
}

// Run adds the role with its event, and prints it. No user has it yet.
func (c *roleAddCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		r, err := d.AddRole(ctx, c.name(), c.Title)
		switch {
		case errors.Is(err, storage.ErrExists):
			return fmt.Errorf("%s has the role %s already", c.owner(), c.Role)
		case errors.Is(err, storage.ErrNotFound):
			return fmt.Errorf("there is no %s", c.owner())
		case err != nil:
			return err
		}
		if c.JSON {
			return a.PrintJSON(viewRole(r))
		}
		return a.PrintSentence("Added role %s to %s.", c.Role, c.owner())
	})
}

// roleListCmd lists the roles of one client or one API by name.
type roleListCmd struct {
	ownerFlags
	command.PageFlags
}

// Run prints the roles while it reads them. An owner that does not exist has no roles.
func (c *roleListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		if err := c.exists(ctx, d); err != nil {
			return err
		}
		all := command.First(c.Limit, d.Roles(ctx, storage.RoleName{Client: c.Client, API: c.API}, c.After))
		columns := []string{"ROLE", "TITLE", "CREATED"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewRole, columns, func(v roleView) []string {
			return []string{v.Name, v.Title, terminal.Zoned(v.CreatedAt)}
		})
	})
}

// roleEditCmd gives a role another title. Its name stays, which apps read in tokens.
type roleEditCmd struct {
	whichRole
	Title string `required:"" help:"What administrators call it." placeholder:"TEXT"`
}

func (c *roleEditCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		r, err := d.RenameRole(ctx, c.name(), c.Title)
		if err != nil {
			return command.NoSuch(err, "role at "+c.owner(), c.Role)
		}
		if c.JSON {
			return a.PrintJSON(viewRole(r))
		}
		return a.PrintSentence("The title of role %s of %s is %q.", c.Role, c.owner(), r.Title)
	})
}

// roleRemoveCmd removes a role, and takes it from all users, groups and clients.
type roleRemoveCmd struct {
	whichRole
	command.YesFlag
}

// Run asks first. The role is in no new token when it returns; the rows of many holders are deleted later, by a server.
func (c *roleRemoveCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		if _, err := d.Role(ctx, c.name()); err != nil {
			return command.NoSuch(err, "role at "+c.owner(), c.Role)
		}
		err := a.Approve(ctx, c.YesFlag, "This removes role %s of %s, and takes it from all that have it.", c.Role, c.owner())
		if err != nil {
			return err
		}
		if err := d.RemoveRole(ctx, c.name()); err != nil {
			return command.NoSuch(err, "role at "+c.owner(), c.Role)
		}
		return a.TellRemoved(c.JSON, c.Tenant, "role", c.Role, c.Role+" of "+c.owner())
	})
}

// holderFlags name the user, group or client that has a role.
type holderFlags struct {
	whichRole
	User     string `help:"The user: an id, an email address or a username." placeholder:"USER" complete:"user" xor:"holder" required:""`
	Group    string `help:"The group: all its members have the role." placeholder:"GROUP" complete:"group" xor:"holder" required:""`
	ToClient string `name:"service" help:"The client, which acts for itself, without a user." placeholder:"CLIENT-ID" complete:"client" xor:"holder" required:""`
}

// change finds the holder, and gives or takes the role.
func (c *holderFlags) change(
	ctx context.Context, a *command.App,
	do func(d desk.Desk, r storage.RoleName, h storage.RoleHolder) error, sentence string,
) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		h := storage.RoleHolder{Group: c.Group, Client: c.ToClient}
		called := "group " + c.Group
		switch {
		case c.User != "":
			u, err := d.FindUser(ctx, c.User)
			if err != nil {
				return command.NoSuch(err, "user", c.User)
			}
			h.User, called = u.ID, command.Addressed(u)
		case c.ToClient != "":
			called = "client " + c.ToClient
		}
		err := do(d, c.name(), h)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return c.whyNot(ctx, d, h, called)
		case err != nil:
			return err
		}
		if c.JSON {
			return a.PrintJSON(holderView{c.Role, c.Client, c.API, h.User, h.Group, h.Client})
		}
		return a.PrintSentence(sentence, c.Role+" of "+c.owner(), called)
	})
}

// whyNot says what there is not of the role and its holder.
func (c *holderFlags) whyNot(ctx context.Context, d desk.Desk, h storage.RoleHolder, called string) error {
	if _, err := d.Role(ctx, c.name()); err != nil {
		return command.NoSuch(err, "role at "+c.owner(), c.Role)
	}
	if h.Group != "" {
		if _, err := d.Group(ctx, h.Group); err != nil {
			return command.NoSuch(err, "group", h.Group)
		}
	}
	if h.Client != "" {
		if _, err := d.Client(ctx, h.Client); err != nil {
			return command.NoSuch(err, "client", h.Client)
		}
	}
	return fmt.Errorf("%s was not given the role %s of %s", called, c.Role, c.owner())
}

// holderView is who has a role, as commands print it.
type holderView struct {
	Role      string `json:"role"`
	Client    string `json:"client,omitempty"`
	API       string `json:"api,omitempty"`
	User      string `json:"user,omitempty"`
	Group     string `json:"group,omitempty"`
	ForClient string `json:"service,omitempty"`
}

// roleGiveCmd gives a role to a user, to the members of a group, or to a client that acts for itself.
type roleGiveCmd struct{ holderFlags }

// Run gives the role with its event. Tokens have it from the next one on.
func (c *roleGiveCmd) Run(ctx context.Context, a *command.App) error {
	return c.change(ctx, a, func(d desk.Desk, r storage.RoleName, h storage.RoleHolder) error {
		return d.GiveRole(ctx, r, h)
	}, "Role %s is given to %s.")
}

// roleTakeCmd takes a role from a holder. A user who has it by a group, too, keeps it.
type roleTakeCmd struct{ holderFlags }

// Run takes the role with its event. Tokens that have it keep it until they expire.
func (c *roleTakeCmd) Run(ctx context.Context, a *command.App) error {
	return c.change(ctx, a, func(d desk.Desk, r storage.RoleName, h storage.RoleHolder) error {
		return d.TakeRole(ctx, r, h)
	}, "Took role %s from %s.")
}

// roleHoldersCmd lists the groups, clients and users that were given a role. Members of the groups are not listed.
type roleHoldersCmd struct{ whichRole }

// Run prints groups first, then clients, then users, each by id, while it reads them.
func (c *roleHoldersCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		r := c.name()
		if _, err := d.Role(ctx, r); err != nil {
			return command.NoSuch(err, "role at "+c.owner(), c.Role)
		}
		view := func(h storage.RoleHolder) holderView {
			return holderView{c.Role, c.Client, c.API, h.User, h.Group, h.Client}
		}
		columns := []string{"KIND", "HOLDER"}
		return terminal.PrintList(&a.Terminal, c.JSON, d.Holders(ctx, r), view, columns, func(v holderView) []string {
			switch {
			case v.Group != "":
				return []string{"group", v.Group}
			case v.ForClient != "":
				return []string{"client", v.ForClient}
			}
			return []string{"user", v.User}
		})
	})
}
