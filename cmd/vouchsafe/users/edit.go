package users

import (
	"context"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/report"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// userEditCmd changes what is known about a user. A flag that is not given leaves its field as it is.
type userEditCmd struct {
	who
	Email         *string  `help:"Their new email address; it is not verified unless you add --verified." placeholder:"ADDRESS"`
	Verified      *bool    `negatable:"" help:"The email address is confirmed to be theirs."`
	Username      *string  `help:"Their new username; empty to remove it." placeholder:"NAME"`
	Phone         *string  `help:"Their new phone number in international form, such as +4312345678; empty to remove it." placeholder:"NUMBER"`
	PhoneVerified *bool    `negatable:"" help:"The phone number is confirmed to be theirs."`
	Name          *string  `help:"Their full name." placeholder:"TEXT"`
	GivenName     *string  `help:"Their given name." placeholder:"TEXT"`
	FamilyName    *string  `help:"Their family name." placeholder:"TEXT"`
	Profile       string   `type:"path" help:"A file with more of their profile, as for user add. What it does not name stays." placeholder:"FILE"`
	Admin         *bool    `negatable:"" help:"Give or take the role admin, which apps may read. It does not make an administrator: see vouchsafe admin add."`
	MustChange    *bool    `name:"expire-password" negatable:"" help:"They have to choose a new password when they next sign in with theirs."`
	Group         []string `sep:"none" help:"Make them a member of this group. Repeatable." placeholder:"GROUP" complete:"group"`
	LeaveGroup    []string `sep:"none" help:"End their membership in this group. Repeatable." placeholder:"GROUP" complete:"group"`
	Role          []string `sep:"none" help:"Give them this role of a client or an API. Repeatable." placeholder:"OWNER#ROLE" complete:"owned-role"`
	TakeRole      []string `sep:"none" help:"Take this role from them. Repeatable." placeholder:"OWNER#ROLE" complete:"owned-role"`
	Attribute     []string `sep:"none" help:"Set an attribute that tenants.yaml declares; nothing after = removes it. A list is separated by commas. Repeatable." placeholder:"NAME=VALUE"`
	Reserved      bool     `help:"Allow a username that the tenant reserves, such as support."`
	command.JSONFlag
}

// Run changes the user, and prints the user or whether there was a change. Sessions go on.
func (c *userEditCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, u storage.User) error {
		edit, err := c.edit(u)
		if err != nil {
			return err
		}
		all := administration.Edit{Edit: edit, Join: c.Group, Leave: c.LeaveGroup, NewPassword: c.MustChange}
		if len(c.Role)+len(c.TakeRole)+len(c.Attribute) > 0 {
			t, err := d.Tenant(ctx)
			if err == nil {
				err = c.given(&t.Settings, &all)
			}
			if err != nil {
				return err
			}
		}
		after, changed, err := d.EditUser(ctx, u.ID, all, c.Reserved)
		if err != nil {
			return report.Hinted(err)
		}
		sentence := "Changed %s."
		if !changed {
			sentence = "Nothing has changed about %s."
		}
		return c.tell(ctx, a, d, after, c.JSON, sentence)
	})
}

// given adds to the edit what the flags say of roles and attributes.
func (c *userEditCmd) given(t *storage.TenantSettings, edit *administration.Edit) error {
	var err error
	if edit.Give, err = parseRoles(t, c.Role); err != nil {
		return err
	}
	if edit.Take, err = parseRoles(t, c.TakeRole); err != nil {
		return err
	}
	edit.Attributes, err = parseAttributes(t, c.Attribute)
	return err
}

// edit returns what the flags and the file of the profile change about the user.
func (c *userEditCmd) edit(u storage.User) (importing.Edit, error) {
	edit := importing.Edit{Email: c.Email, EmailVerified: c.Verified, Username: c.Username, Phone: c.Phone,
		PhoneVerified: c.PhoneVerified, Admin: c.Admin}
	row := importing.Row{Profile: u.Profile}
	if row.Profile.Address != nil {
		address := *row.Profile.Address
		row.Profile.Address = &address
	}
	if err := readProfile(c.Profile, &row); err != nil {
		return edit, err
	}
	if row.Username != "" && edit.Username == nil {
		edit.Username = &row.Username
	}
	if row.Phone != "" && edit.Phone == nil {
		edit.Phone = &row.Phone
		if edit.PhoneVerified == nil {
			edit.PhoneVerified = &row.PhoneVerified
		}
	}
	for _, f := range []struct {
		to   *string
		flag *string
	}{{&row.Profile.Name, c.Name}, {&row.Profile.GivenName, c.GivenName}, {&row.Profile.FamilyName, c.FamilyName}} {
		if f.flag != nil {
			*f.to = *f.flag
		}
	}
	if c.Profile != "" || c.Name != nil || c.GivenName != nil || c.FamilyName != nil {
		edit.Profile = &row.Profile // otherwise a profile of an earlier release is not judged
	}
	return edit, nil
}
