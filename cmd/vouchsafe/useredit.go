package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/report"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/reread"
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
	jsonFlag
}

// Run changes the user, and prints the user or whether there was a change. Sessions go on.
func (c *userEditCmd) Run(ctx context.Context, a *app) error {
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

// parseRoles reads roles as flags have them.
func parseRoles(t *storage.TenantSettings, flags []string) (all []storage.RoleName, err error) {
	for _, text := range flags {
		r, err := parseRole(t, text)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// parseAttributes reads values of attributes as flags have them, NAME=VALUE; nil if there are none.
func parseAttributes(t *storage.TenantSettings, flags []string) (all map[string]any, err error) {
	for _, text := range flags {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, misused("--attribute %q: write NAME=VALUE", text)
		}
		if all == nil {
			all = map[string]any{}
		}
		declared := t.Attribute(name)
		if declared == nil {
			declared = &storage.Attribute{Name: name} // the use case says that there is no such attribute
		}
		all[name] = attributes.Parse(*declared, value)
	}
	return all, nil
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

// userCheckCmd lists users whose names an earlier release stored in another way.
type userCheckCmd struct {
	tenantFlag
	jsonFlag
}

// Help is printed after the flags.
func (c *userCheckCmd) Help() string {
	return `It lists email addresses and usernames that an earlier release stored and that today's rules would
refuse. All of these users can still sign in. Soon after it starts, the server itself corrects
what it safely can; agree on the rest with the users.`
}

// checked is a user whose names are odd.
type checked struct {
	ID       string `json:"id"`
	Email    string `json:"email,omitempty"`
	Username string `json:"username,omitempty"`
	Found    string `json:"found"`
}

// Run lists the users of a tenant whose names would be refused today.
func (c *userCheckCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		if err := hasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		odd := []checked{}
		n, err := reread.CheckAll(ctx, s, c.Tenant, func(u storage.User, found []reread.Found) {
			for _, f := range found {
				odd = append(odd, checked{u.ID, u.Email, u.Username, string(f)})
			}
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(odd)
		}
		t := a.Table("ID", "EMAIL", "USERNAME", "FOUND")
		for _, o := range odd {
			t.Row(o.ID, o.Email, o.Username, o.Found)
		}
		if len(odd) > 0 {
			if err := t.Flush(); err != nil {
				return err
			}
		}
		fmt.Fprintf(a.Err, "users: %d, findings: %d\n", n, len(odd))
		return nil
	})
}
