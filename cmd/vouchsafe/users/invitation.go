package users

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/invitations"
)

// InvitationCmd is the family of commands about invitations that wait.
type InvitationCmd struct {
	List     invitationListCmd     `cmd:"" help:"List invitations that wait to be accepted."`
	Resend   invitationResendCmd   `cmd:"" help:"Send an invitation once more, with another link: the former one stops working."`
	Withdraw invitationWithdrawCmd `cmd:"" help:"Withdraw an invitation: its link stops working."`
}

// InvitationView is an invitation as commands print it.
type InvitationView struct {
	ID         string         `json:"id"`
	Email      string         `json:"email"`
	Groups     []string       `json:"groups,omitempty"`
	Roles      []string       `json:"roles,omitempty"` // as --role has them
	Attributes map[string]any `json:"attributes,omitempty"`
	Language   string         `json:"language,omitempty"`
	InvitedBy  string         `json:"invited_by,omitempty"`
	Link       string         `json:"link,omitempty"`
	SentAt     time.Time      `json:"sent_at"`
	ExpiresAt  time.Time      `json:"expires_at"`
}

func viewInvitation(i invitations.Invitation) InvitationView {
	v := InvitationView{
		ID: i.ID, Email: i.Email, Groups: i.Groups, Attributes: i.Attributes, Language: i.Language, InvitedBy: i.By,
		Link: i.Link, SentAt: i.SentAt, ExpiresAt: i.ExpiresAt,
	}
	for _, r := range i.Roles {
		v.Roles = append(v.Roles, r.Client+r.API+"#"+r.Name)
	}
	return v
}

// tellInvited prints an invitation that was sent. Servers send the mail, if they send any; otherwise the operator
// hands over the link.
func tellInvited(a *command.App, i invitations.Invitation, asJSON bool) error {
	if asJSON {
		return a.PrintJSON(viewInvitation(i))
	}
	fmt.Fprintln(a.Out, terminal.Printable(i.Link))
	fmt.Fprintf(a.Err, "The link makes an account for %s, once, until %s.\n", terminal.Printable(i.Email),
		terminal.Zoned(i.ExpiresAt))
	return nil
}

// userInviteCmd invites a user by email.
type userInviteCmd struct {
	Email     string        `arg:"" help:"The email address to invite."`
	Group     []string      `sep:"none" help:"Make them a member of this group. Repeatable." placeholder:"GROUP" complete:"group"`
	Role      []string      `sep:"none" help:"Give them this role of a client or an API. Repeatable." placeholder:"OWNER#ROLE" complete:"owned-role"`
	AdminRole string        `enum:",owner,admin,support,auditor" default:"" help:"Make them an administrator with this role: owner, admin, support or auditor." placeholder:"ROLE"`
	Attribute []string      `sep:"none" help:"Set an attribute that tenants.yaml declares. A list is separated by commas. Repeatable." placeholder:"NAME=VALUE"`
	Lifetime  time.Duration `default:"168h" help:"How long it can be accepted, at most 720h." placeholder:"DURATION"`
	Language  string        `default:"en" help:"The language of the email: en, de, es, fr, pt or ru." placeholder:"TAG"`
	command.PlaceFlags
	command.JSONFlag
}

// Run stores the invitation with its email, and prints the link and until when it is valid.
func (c *userInviteCmd) Run(ctx context.Context, a *command.App) error {
	if !slices.Contains(texts.Languages(), c.Language) {
		return command.Misused("--language %q isn't allowed: write one of %s", c.Language,
			strings.Join(texts.Languages(), ", "))
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		w := invitations.Wanted{Email: c.Email, Groups: c.Group, Life: c.Lifetime, AdminRole: c.AdminRole}
		if len(c.Role)+len(c.Attribute) > 0 {
			t, err := d.Tenant(ctx)
			if err == nil {
				w.Roles, err = parseRoles(&t.Settings, c.Role)
			}
			if err == nil {
				w.Attributes, err = parseAttributes(&t.Settings, c.Attribute)
			}
			if err != nil {
				return err
			}
		}
		made, err := d.Invite(ctx, w, c.Language)
		if err != nil {
			return explainedInvitation(err, c.Tenant, c.Email)
		}
		return tellInvited(a, made, c.JSON)
	})
}

// explainedInvitation returns the error with what the operator can do about it.
func explainedInvitation(err error, tenant, email string) error {
	switch {
	case errors.Is(err, people.ErrSignUpClosed):
		return fmt.Errorf("sign-up is closed for %s: set sign_up.mode to invitation or open in tenants.yaml, or add "+
			"users with user add", tenant)
	case errors.Is(err, people.ErrAccountExists):
		return fmt.Errorf("%s has an account already: user edit gives it groups and roles", email)
	}
	return err
}

// invitationListCmd lists the invitations of a tenant by address.
type invitationListCmd struct {
	command.PageFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the invitations while it reads them, without their links.
func (c *invitationListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		all := command.First(c.Limit, d.Invitations(ctx, c.After))
		columns := []string{"EMAIL", "GROUPS", "ROLES", "SENT", "EXPIRES"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewInvitation, columns, func(v InvitationView) []string {
			return []string{v.Email, strings.Join(v.Groups, " "), strings.Join(v.Roles, " "), terminal.Zoned(v.SentAt),
				terminal.Zoned(v.ExpiresAt)}
		})
	})
}

// whichInvitation names an invitation.
type whichInvitation struct {
	Email string `arg:"" help:"The email address that was invited." complete:"invitation"`
	command.PlaceFlags
	command.JSONFlag
}

// with finds the invitation, and calls do.
func (c *whichInvitation) with(
	ctx context.Context, a *command.App, do func(desk.Desk, invitations.Invitation) error,
) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		i, err := d.Invitation(ctx, c.Email)
		if err == nil {
			err = do(d, i)
		}
		return command.NoSuch(err, "invitation for", c.Email)
	})
}

// invitationResendCmd sends an invitation once more.
type invitationResendCmd struct{ whichInvitation }

// Run stores the new link with its email, and prints it.
func (c *invitationResendCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, i invitations.Invitation) error {
		sent, err := d.ResendInvitation(ctx, i)
		if err != nil {
			return explainedInvitation(err, c.Tenant, c.Email)
		}
		return tellInvited(a, sent, c.JSON)
	})
}

// invitationWithdrawCmd withdraws an invitation.
type invitationWithdrawCmd struct{ whichInvitation }

// Run makes the link void with an event, and prints what it withdrew.
func (c *invitationWithdrawCmd) Run(ctx context.Context, a *command.App) error {
	return c.with(ctx, a, func(d desk.Desk, i invitations.Invitation) error {
		if err := d.WithdrawInvitation(ctx, i); err != nil {
			return err
		}
		if c.JSON {
			return a.PrintJSON(viewInvitation(i))
		}
		return a.PrintSentence("Withdrew the invitation for %s in tenant %s.", i.Email, c.Tenant)
	})
}
