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

// GroupCmd is the family of commands about groups. They do what the pages and the management API do, through the same
// use cases of people/administration.
type GroupCmd struct {
	Add     groupAddCmd     `cmd:"" help:"Add a group."`
	List    groupListCmd    `cmd:"" help:"List groups."`
	Edit    groupEditCmd    `cmd:"" help:"Give a group another title."`
	Remove  groupRemoveCmd  `cmd:"" help:"Remove a group. Its members lose what it gave them."`
	Members groupMembersCmd `cmd:"" help:"List the members of a group."`
	Join    groupJoinCmd    `cmd:"" help:"Make users members of a group."`
	Leave   groupLeaveCmd   `cmd:"" help:"End users' memberships in a group."`
}

// groupView is a group as commands print it.
type groupView struct {
	ID        string    `json:"id"`
	Title     string    `json:"title,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// viewGroup returns what commands print of a group.
func viewGroup(g storage.Group) groupView { return groupView{g.ID, g.Title, g.CreatedAt, g.UpdatedAt} }

// groupAddCmd adds a group.
type groupAddCmd struct {
	Group string `arg:"" help:"The group's id, which apps may learn: small letters, digits and . _ -. It cannot be changed."`
	Title string `help:"What administrators call it." placeholder:"TEXT"`
	command.PlaceFlags
	command.JSONFlag
}

// Run adds the group with its event, and prints it. An id that was used by a removed group is free again: its members
// and roles are gone.
func (c *groupAddCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		g, err := d.AddGroup(ctx, c.Group, c.Title)
		if errors.Is(err, storage.ErrExists) {
			return fmt.Errorf("group %s already exists", c.Group)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(viewGroup(g))
		}
		return a.PrintSentence("Added group %s to tenant %s.", g.ID, c.Tenant)
	})
}

// groupListCmd lists the groups of a tenant by id.
type groupListCmd struct {
	command.PageFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the groups while it reads them.
func (c *groupListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		all := command.First(c.Limit, d.Groups(ctx, c.After))
		columns := []string{"GROUP", "TITLE", "CREATED"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewGroup, columns, func(v groupView) []string {
			return []string{v.ID, v.Title, terminal.Zoned(v.CreatedAt)}
		})
	})
}

// whichGroup names a group.
type whichGroup struct {
	Group string `arg:"" help:"The group's id." complete:"group"`
	command.PlaceFlags
	command.JSONFlag
}

// groupEditCmd gives a group another title. The id stays: apps may have stored it.
type groupEditCmd struct {
	whichGroup
	Title string `required:"" help:"What administrators call it." placeholder:"TEXT"`
}

// Run stores the title with its event, and prints it.
func (c *groupEditCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		g, err := d.RenameGroup(ctx, c.Group, c.Title)
		if err != nil {
			return command.NoSuch(err, "group", c.Group)
		}
		if c.JSON {
			return a.PrintJSON(viewGroup(g))
		}
		return a.PrintSentence("The title of group %s is %q.", g.ID, g.Title)
	})
}

// groupRemoveCmd removes a group, and with it the memberships and the roles that it gave.
type groupRemoveCmd struct {
	whichGroup
	command.YesFlag
}

// Run asks first. Nothing of the group works any more when it returns; the rows of a large group are deleted later, by
// a server.
func (c *groupRemoveCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		if _, err := d.Group(ctx, c.Group); err != nil {
			return command.NoSuch(err, "group", c.Group)
		}
		err := a.Approve(ctx, c.YesFlag, "This removes group %s from tenant %s. Its members lose the roles and the access "+
			"that it gave them.", c.Group, c.Tenant)
		if err != nil {
			return err
		}
		if err := d.RemoveGroup(ctx, c.Group); err != nil {
			return command.NoSuch(err, "group", c.Group)
		}
		return a.TellRemoved(c.JSON, c.Tenant, "group", c.Group, c.Group)
	})
}

// groupMembersCmd lists the members of a group by their ids, whether an administrator or an upstream provider made them
// members.
type groupMembersCmd struct {
	whichGroup
	command.PageFlags
}

// Run prints the members while it reads them.
func (c *groupMembersCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		if _, err := d.Group(ctx, c.Group); err != nil {
			return command.NoSuch(err, "group", c.Group)
		}
		all := command.First(c.Limit, d.Members(ctx, c.Group, c.After))
		columns := []string{"EMAIL", "USERNAME", "ID"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewMember, columns, func(v groupMemberView) []string {
			return []string{v.Email, v.Username, v.ID}
		})
	})
}

// groupMemberView is a member of a group as commands print one.
type groupMemberView struct {
	ID       string `json:"id"`
	Email    string `json:"email,omitempty"`
	Username string `json:"username,omitempty"`
}

func viewMember(u storage.User) groupMemberView { return groupMemberView{u.ID, u.Email, u.Username} }

// whichMembers names a group and users.
type whichMembers struct {
	Group string   `arg:"" help:"The group's id." complete:"group"`
	Users []string `arg:"" name:"user" help:"Their ids, email addresses or usernames." complete:"user"`
	command.PlaceFlags
	command.JSONFlag
}

// memberView says what a command did about a member.
type memberView struct {
	Group   string `json:"group"`
	User    string `json:"user"`
	Changed bool   `json:"changed"`
}

// each finds the users, before it changes any, and calls change for each.
func (c *whichMembers) each(
	ctx context.Context, a *command.App, change func(desk.Desk, storage.User) (bool, error), did, didnt string,
) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		if _, err := d.Group(ctx, c.Group); err != nil {
			return command.NoSuch(err, "group", c.Group)
		}
		var users []storage.User
		for _, name := range c.Users {
			u, err := d.FindUser(ctx, name)
			if err != nil {
				return command.NoSuch(err, "user", name)
			}
			users = append(users, u)
		}
		var all []memberView
		for _, u := range users {
			changed, err := change(d, u)
			if err != nil {
				return err
			}
			all = append(all, memberView{c.Group, u.ID, changed})
			sentence := didnt
			if changed {
				sentence = did
			}
			if c.JSON {
				continue
			}
			if err := a.PrintSentence(sentence, command.Addressed(u), c.Group); err != nil {
				return err
			}
		}
		if c.JSON {
			return a.PrintJSON(all)
		}
		return nil
	})
}

// groupJoinCmd makes users members of a group.
type groupJoinCmd struct{ whichMembers }

// Run makes one change for each user. A user who is a member already is told of, and is no error.
func (c *groupJoinCmd) Run(ctx context.Context, a *command.App) error {
	return c.each(ctx, a, func(d desk.Desk, u storage.User) (bool, error) { return d.Join(ctx, u.ID, c.Group) },
		"%s is a member of %s now.", "%s was a member of %s already.")
}

// groupLeaveCmd ends the memberships of users in a group.
type groupLeaveCmd struct{ whichMembers }

// Run makes one change for each user. A user who is no member is told of, and is no error.
func (c *groupLeaveCmd) Run(ctx context.Context, a *command.App) error {
	return c.each(ctx, a, func(d desk.Desk, u storage.User) (bool, error) { return d.Leave(ctx, u.ID, c.Group) },
		"%s is no longer a member of %s.", "%s was no member of %s.")
}
