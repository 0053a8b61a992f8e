package users

import (
	"context"
	"fmt"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/people/reread"
	"github.com/vouchsafe/vouchsafe/storage"
)

// userCheckCmd lists users whose names an earlier release stored in another way.
type userCheckCmd struct {
	command.TenantFlag
	command.JSONFlag
}

// Help is printed after the flags.
func (c *userCheckCmd) Help() string {
	return `It lists email addresses and usernames that an earlier release stored and that today's rules would
refuse. All of these users can still sign in. Soon after it starts, the server itself corrects
what it safely can; agree on the rest with the users.`
}

// Checked is a user whose names are odd.
type Checked struct {
	ID       string `json:"id"`
	Email    string `json:"email,omitempty"`
	Username string `json:"username,omitempty"`
	Found    string `json:"found"`
}

// Run lists the users of a tenant whose names would be refused today.
func (c *userCheckCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithStore(ctx, func(s installation.Store) error {
		if err := command.HasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		odd := []Checked{}
		n, err := reread.CheckAll(ctx, s, c.Tenant, func(u storage.User, found []reread.Found) {
			for _, f := range found {
				odd = append(odd, Checked{u.ID, u.Email, u.Username, string(f)})
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
