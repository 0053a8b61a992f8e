package users

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// UserView is a user as commands print them.
type UserView struct {
	ID            string          `json:"id"`
	ExternalID    string          `json:"external_id,omitempty"`
	Email         string          `json:"email,omitempty"`
	EmailVerified bool            `json:"email_verified"`
	Username      string          `json:"username,omitempty"`
	Phone         string          `json:"phone_number,omitempty"`
	PhoneVerified bool            `json:"phone_number_verified,omitempty"`
	Profile       storage.Profile `json:"profile"`
	Attributes    map[string]any  `json:"attributes,omitempty"`
	Roles         []string        `json:"roles,omitempty"`
	Disabled      bool            `json:"disabled"`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
}

// viewUser returns the user as commands print it.
func viewUser(u storage.User) UserView {
	return UserView{u.ID, u.ExternalID, u.Email, u.EmailVerified, u.Username, u.Phone, u.PhoneVerified, u.Profile,
		u.Attributes, u.Roles, u.Disabled, u.CreatedAt, u.UpdatedAt}
}

// standing returns whether the user may sign in, and the roles.
func (u UserView) standing() string {
	state := "enabled"
	if u.Disabled {
		state = "disabled"
	}
	return strings.Join(append([]string{state}, u.Roles...), ", ")
}

// AccountView is a user with how the account stands.
type AccountView struct {
	UserView
	HasPassword      bool       `json:"has_password"`
	AuthenticatorApp bool       `json:"authenticator_app"`
	RecoveryCodes    bool       `json:"recovery_codes"`
	Passkeys         int        `json:"passkeys"`
	TrustedDevices   int        `json:"trusted_devices"`
	Identities       []string   `json:"identities,omitempty"`
	Sessions         int        `json:"sessions"`
	LastSignIn       *time.Time `json:"last_sign_in,omitempty"`
	LastActivity     *time.Time `json:"last_activity,omitempty"`
	ExpiredPassword  bool       `json:"expired_password,omitempty"`
	Groups           []string   `json:"groups,omitempty"`
	GivenRoles       []string   `json:"given_roles,omitempty"`
}

// viewAccount returns the user with how the account stands, as user show prints it.
func viewAccount(u storage.User, s administration.Standing) AccountView {
	v := AccountView{UserView: viewUser(u), HasPassword: s.HasPassword, AuthenticatorApp: s.AuthenticatorApp,
		RecoveryCodes: s.RecoveryCodes, Passkeys: s.Passkeys, TrustedDevices: s.TrustedDevices,
		Identities: s.Identities, Sessions: s.Sessions}
	if !s.LastSignIn.IsZero() {
		v.LastSignIn = &s.LastSignIn
	}
	if !s.LastActivity.IsZero() {
		v.LastActivity = &s.LastActivity
	}
	v.ExpiredPassword = s.NewPassword
	for _, m := range s.Memberships {
		if !slices.Contains(v.Groups, m.GroupID) {
			v.Groups = append(v.Groups, m.GroupID)
		}
	}
	for _, r := range s.Roles {
		v.GivenRoles = append(v.GivenRoles, cmp.Or(r.API, r.Client)+"#"+r.Name)
	}
	return v
}

// fields returns what user show prints, as names and values.
func (v AccountView) fields() [][2]string {
	verified := func(text string, is bool) string {
		switch {
		case text == "":
			return ""
		case is:
			return text + " (verified)"
		}
		return text + " (not verified)"
	}
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return terminal.Zoned(*t)
	}
	password := yesNo(v.HasPassword)
	if v.ExpiredPassword {
		password += ", to be changed at the next sign-in"
	}
	fields := [][2]string{
		{"ID", v.ID}, {"External ID", v.ExternalID}, {"Email", verified(v.Email, v.EmailVerified)},
		{"Username", v.Username}, {"Name", v.Profile.Name},
		{"Phone", verified(v.Phone, v.PhoneVerified)}, {"State", v.standing()},
		{"Groups", strings.Join(v.Groups, " ")}, {"Roles", strings.Join(v.GivenRoles, " ")},
		{"Password", password}, {"Authenticator app", yesNo(v.AuthenticatorApp)},
		{"Recovery codes", yesNo(v.RecoveryCodes)}, {"Passkeys", strconv.Itoa(v.Passkeys)},
		{"Trusted devices", strconv.Itoa(v.TrustedDevices)}, {"Linked accounts", strings.Join(v.Identities, " ")},
		{"Sessions", strconv.Itoa(v.Sessions)}, {"Last sign-in", at(v.LastSignIn)},
		{"Last activity", at(v.LastActivity)}, {"Created", terminal.Zoned(v.CreatedAt)},
		{"Changed", terminal.Zoned(v.UpdatedAt)},
	}
	for _, name := range slices.Sorted(maps.Keys(v.Attributes)) {
		fields = append(fields, [2]string{name, attributes.Text(v.Attributes[name])})
	}
	return slices.DeleteFunc(fields, func(f [2]string) bool { return f[1] == "" })
}

// yesNo returns the word for a table.
func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// sessionsEnded says how many sessions a change has ended.
func sessionsEnded(n int) string {
	if n == 1 {
		return "1 session ended"
	}
	return fmt.Sprintf("%d sessions ended", n)
}

// userListCmd lists the users of a tenant by id.
type userListCmd struct {
	Query          string `help:"List only users with this text in their email address, username, name or phone number." placeholder:"TEXT"`
	Unverified     bool   `help:"List only users whose email address is not verified."`
	Disabled       bool   `help:"List only disabled users."`
	NoSecondFactor bool   `help:"List only users without two-step verification."`
	Filter         string `help:"List only users who match: a filter as in the management API, such as 'profile.locale sw \"de\"'." placeholder:"FILTER"`
	command.PageFlags
	command.PlaceFlags
	command.JSONFlag
}

// ListedView is a user of a list.
type ListedView struct {
	UserView
	SecondFactor bool       `json:"second_factor"`
	LastSignIn   *time.Time `json:"last_sign_in,omitempty"`
}

// viewListed returns the user as the list has it, with what the list says of the account.
func viewListed(u administration.Listed) ListedView {
	v := ListedView{UserView: viewUser(u.User), SecondFactor: u.Standing.SecondFactor}
	if at := u.Standing.LastSignIn; !at.IsZero() {
		v.LastSignIn = &at
	}
	return v
}

// listedColumns are the names of the columns.
var listedColumns = []string{"EMAIL", "USERNAME", "NAME", "VERIFIED", "2-STEP", "STATE", "LAST SIGN-IN", "ID"}

// cells returns the columns of the table.
func (v ListedView) cells() []string {
	last := ""
	if v.LastSignIn != nil {
		last = terminal.Zoned(*v.LastSignIn)
	}
	return []string{v.Email, v.Username, v.Profile.Name, yesNo(v.EmailVerified), yesNo(v.SecondFactor), v.standing(),
		last, v.ID}
}

// Run prints the users while it reads them, so that a long list needs no more memory than a short one.
func (c *userListCmd) Run(ctx context.Context, a *command.App) error {
	filter := administration.Filter{
		Query: c.Query, Unverified: c.Unverified, Disabled: c.Disabled, NoSecondFactor: c.NoSecondFactor,
	}
	if c.Filter != "" && c.After != "" {
		return command.Misused("--after goes without --filter, which may list users in another order")
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		all := d.Users(ctx, c.After)
		if c.Filter != "" {
			all = d.SearchUsers(ctx, "", c.Filter)
		}
		return terminal.PrintList(&a.Terminal, c.JSON, command.First(c.Limit, command.Matching(all, filter.Matches)),
			viewListed,
			listedColumns, ListedView.cells)
	})
}

// userFindCmd finds users by what an administrator knows of them.
type userFindCmd struct {
	Text   string `arg:"" help:"The beginning of their email address, username, name or a word of it, verified phone number, id or external id."`
	Filter string `help:"Only users who match: a filter as in the management API, such as 'disabled eq true'." placeholder:"FILTER"`
	Limit  int    `help:"Print at most this many." default:"20" placeholder:"N"`
	command.PlaceFlags
	command.JSONFlag
}

// Help says how names are compared.
func (*userFindCmd) Help() string {
	return `Names are found with or without capitals and accents, in any script:

  vouchsafe user find "garcia m"
  vouchsafe user find jo@ --filter 'email_verified eq false'`
}

// Run prints the users.
func (c *userFindCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		return terminal.PrintList(&a.Terminal, c.JSON, command.First(c.Limit, d.SearchUsers(ctx, c.Text, c.Filter)),
			viewListed,
			listedColumns, ListedView.cells)
	})
}

// userExportCmd writes the users of a tenant as the rows that user import reads.
type userExportCmd struct {
	Hashes bool `help:"Include password hashes: protect the output like the database."`
	command.TenantFlag
}

// Run writes a JSON object a line. Without --hashes the output holds personal data, but nothing by which a user could
// sign in.
func (c *userExportCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithStore(ctx, func(s installation.Store) error {
		asker, err := a.Asker(ctx, s, c.Tenant)
		if err != nil {
			return err
		}
		out := &lines{Writer: a.Out, bar: &terminal.Progress{}}
		if !terminal.Is(a.Out) { // where the users themselves show how far it is
			out.bar = a.Progress(0)
		}
		err = importing.Export(ctx, s, asker, out, c.Hashes)
		out.bar.Clear()
		if err == nil {
			fmt.Fprintf(a.Err, "Exported %d users of tenant %s.\n", out.n, c.Tenant)
		}
		return err
	})
}

// lines counts the lines that are written through it, and shows their number.
type lines struct {
	io.Writer
	n   int
	bar *terminal.Progress
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.n += bytes.Count(b, []byte{'\n'})
	l.bar.Show(0, fmt.Sprintf("%d users", l.n))
	return l.Writer.Write(b)
}
