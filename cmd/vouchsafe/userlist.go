package main

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/people/administration"
)

// userListCmd lists the users of a tenant by id.
type userListCmd struct {
	Query          string `help:"List only users with this text in their email address, username, name or phone number." placeholder:"TEXT"`
	Unverified     bool   `help:"List only users whose email address is not verified."`
	Disabled       bool   `help:"List only disabled users."`
	NoSecondFactor bool   `help:"List only users without two-step verification."`
	pageFlags
	tenantFlag
	jsonFlag
}

// listedView is a user of a list.
type listedView struct {
	userView
	SecondFactor bool       `json:"second_factor"`
	LastSignIn   *time.Time `json:"last_sign_in,omitempty"`
}

// viewListed returns the user as the list has it, with what the list says of the account.
func viewListed(u administration.Listed) listedView {
	v := listedView{userView: viewUser(u.User), SecondFactor: u.Standing.SecondFactor}
	if at := u.Standing.LastSignIn; !at.IsZero() {
		v.LastSignIn = &at
	}
	return v
}

// cells returns the columns of the table.
func (v listedView) cells() []string {
	last := ""
	if v.LastSignIn != nil {
		last = terminal.Zoned(*v.LastSignIn)
	}
	return []string{v.Email, v.Username, v.Profile.Name, yesNo(v.EmailVerified), yesNo(v.SecondFactor), v.standing(),
		last, v.ID}
}

// userColumns are the columns of a table of users.
var userColumns = []string{"EMAIL", "USERNAME", "NAME", "VERIFIED", "STATE", "ID"}

// cells returns the cells of userColumns.
func (u userView) cells() []string {
	return []string{u.Email, u.Username, u.Profile.Name, yesNo(u.EmailVerified), u.standing(), u.ID}
}

// Run prints the users while it reads them, so that a long list needs no more memory than a short one.
func (c *userListCmd) Run(ctx context.Context, a *app) error {
	filter := administration.Filter{
		Query: c.Query, Unverified: c.Unverified, Disabled: c.Disabled, NoSecondFactor: c.NoSecondFactor,
	}
	return a.withAccounts(ctx, c.Tenant, func(d desk) error {
		all := some(pageFlags{After: c.After}, func(after string) ([]administration.Listed, error) {
			return d.List(ctx, d.asker, after, listing.PageSize)
		}, func(u administration.Listed) string { return u.ID })
		columns := []string{"EMAIL", "USERNAME", "NAME", "VERIFIED", "2-STEP", "STATE", "LAST SIGN-IN", "ID"}
		return terminal.PrintList(&a.Terminal, c.JSON, first(c.Limit, matching(all, filter.Matches)), viewListed, columns,
			listedView.cells)
	})
}
