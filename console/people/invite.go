package people

import (
	"errors"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/invitations"
)

// offeredGroups is how many groups a field offers at most; all others can be typed.
const offeredGroups = 200

// invitePage is the form of an invitation.
func (p place) invitePage(c *console.Call) error {
	page := formPage{Lead: c.T("people.invite_lead"), Action: c.Link(root + "/invite"), Button: c.T("people.invite")}
	fields := []console.Field{
		{Name: "email", Label: "people.email", Kind: "email", Required: true, Max: 320},
		{Name: "language", Label: "people.invite_language", Kind: "select", Value: c.Words.Lang()},
	}
	for _, tag := range texts.Languages() {
		fields[1].Options = append(fields[1].Options, console.Option{Value: tag, Text: texts.NameOf(tag)})
	}
	if c.May("groups:write") {
		var err error
		if page.Groups, err = p.Accounts.Store.Groups(c.Context(), c.Tenant().ID, "", offeredGroups); err != nil {
			return err
		}
		fields = append(fields,
			console.Field{Name: "groups", Label: "people.groups", Hint: "people.groups_hint", Max: 2000},
			console.Field{Name: "roles", Label: "people.roles", Hint: "people.roles_hint", Kind: "textarea"})
	}
	if len(page.Groups) > 0 {
		fields[2].List = "groups"
	}
	page.Form = c.Form(fields...)
	return c.ShowView("form", c.View("people.invite").BackTo("place.people", root), page)
}

// invitedFields are the fields of an invitation.
var invitedFields = []string{"email", "language", "groups", "roles"}

// invite sends an invitation.
func (p place) invite(c *console.Call) error {
	kept := invitedFields
	w := invitations.Wanted{Email: c.Value("email"), Groups: split(c.Value("groups"))}
	for line := range strings.SplitSeq(c.Value("roles"), "\n") {
		line = strings.TrimSpace(line)
		role, ok := roleNamed(line)
		switch {
		case line == "":
		case !ok:
			return c.Refuse(c.Wrong("roles", "people.roles_wrong"), kept...)
		default:
			w.Roles = append(w.Roles, role)
		}
	}
	if len(w.Groups)+len(w.Roles) > 0 && !c.May("groups:write") {
		return &console.Refusal{Status: http.StatusForbidden, Title: "console.forbidden.title", Text: "console.forbidden"}
	}
	asker := c.Asker
	if lang := c.Value("language"); texts.NameOf(lang) != "" {
		asker.Language = lang
	}
	i, err := p.Invitations.Invite(c.Context(), asker, w)
	if err != nil {
		return c.Refuse(p.whyNotInvited(c, err), kept...)
	}
	return c.Tell(c.To(root+"/invitations"), console.Notice{Text: c.T("people.invited", i.Email), Secret: i.Link,
		SecretName: c.T("people.invite_link")})
}

// whyNotInvited returns what is wrong with an invitation as faults.
func (p place) whyNotInvited(c *console.Call, err error) error {
	switch {
	case errors.Is(err, people.ErrAccountExists):
		return c.Wrong("email", "people.invite_exists")
	case errors.Is(err, people.ErrSignUpClosed):
		return c.Wrong("email", "people.invite_closed")
	}
	return said(c, err)
}

// split returns the words of a field.
func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
}

// invitationRow is an invitation that waits.
type invitationRow struct {
	ID, Email, Gives string
	Sent, Until      ui.Stamp
	May              bool // send it again, or withdraw it
}

// invitations lists the invitations that wait.
func (p place) invitations(c *console.Call) error {
	all, next, err := console.Paged(c, "invitations", func(after string, limit int) ([]invitations.Invitation, error) {
		return p.Invitations.List(c.Context(), c.Asker, after, limit)
	}, invitations.Invitation.Key)
	if err != nil {
		return err
	}
	page := struct {
		List console.List
		Rows []invitationRow
	}{List: console.List{Next: next, First: c.First()}}
	for _, i := range all {
		gives := i.Groups
		for _, r := range i.Roles {
			gives = append(gives, r.Client+r.API+"#"+r.Name)
		}
		page.Rows = append(page.Rows, invitationRow{i.ID, i.Email, strings.Join(gives, ", "),
			ui.StampOf(c.Words, i.SentAt), ui.StampOf(c.Words, i.ExpiresAt),
			c.May("users:write") && (!i.Gives() || c.May("groups:write"))})
	}
	return c.ShowView("invitations", c.View("people.invitations").BackTo("place.people", root), page)
}

// withdrawPage says what happens when the invitation is withdrawn.
func (p place) withdrawPage(c *console.Call) error {
	i, err := p.Invitations.Find(c.Context(), c.Asker, c.FormValue("id"))
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{
		Title: c.T("people.withdraw_title", i.Email), Button: c.T("people.withdraw"), Danger: true, Final: true,
		Will:   []string{c.T("people.withdraw_will.1"), c.T("people.withdraw_will.2")},
		Hidden: map[string]string{"id": i.ID}, Back: c.To(root + "/invitations")})
}

// withdraw withdraws the invitation.
func (p place) withdraw(c *console.Call) error {
	i, err := p.Invitations.Find(c.Context(), c.Asker, c.Value("id"))
	if err == nil {
		err = p.Invitations.Withdraw(c.Context(), c.Asker, i)
	}
	if err != nil {
		return err
	}
	return c.Done(c.To(root+"/invitations"), "people.withdrawn", i.Email)
}

// resendInvitation sends an invitation once more.
func (p place) resendInvitation(c *console.Call) error {
	to := c.To(root + "/invitations")
	i, err := p.Invitations.Find(c.Context(), c.Asker, c.Value("id"))
	if err != nil {
		return err
	}
	if i.Gives() && !c.May("groups:write") {
		return &console.Refusal{Status: http.StatusForbidden, Title: "console.forbidden.title", Text: "console.forbidden"}
	}
	i, err = p.Invitations.Resend(c.Context(), c.Asker, i)
	var refused people.Refusal
	if errors.As(err, &refused) {
		return &console.Refusal{Status: http.StatusConflict, Title: "people.invitations", Text: "people.invite_exists",
			Back: to}
	}
	if err != nil {
		return err
	}
	return c.Tell(to, console.Notice{Text: c.T("people.invited", i.Email), Secret: i.Link,
		SecretName: c.T("people.invite_link")})
}
