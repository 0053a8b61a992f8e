package settings

import (
	"errors"
	"slices"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
)

// inviteAdministratorPage is the form by which someone without an account becomes an administrator.
func (p place) inviteAdministratorPage(c *console.Call) error {
	language := console.Field{Name: "language", Label: "settings.invite_language", Kind: "select", Value: c.Words.Lang()}
	for _, tag := range texts.Languages() {
		language.Options = append(language.Options, console.Option{Value: tag, Text: texts.NameOf(tag)})
	}
	v := c.View("settings.invite_administrator").BackTo("settings.at.administrators", root+"/administrators")
	return c.ShowView("form", v, formPage{Lead: c.T("settings.invite_administrator_lead"),
		Action: c.Link(root + "/administrators/invite"), Button: c.T("settings.invite_administrator"), Form: c.Form(
			console.Field{Name: "email", Label: "settings.invite_email", Kind: "email", Required: true, Max: 320},
			roleField(c, storage.RoleAuditor, false), language)})
}

// inviteAdministrator sends the invitation, and shows its link once.
func (p place) inviteAdministrator(c *console.Call) error {
	fields, role := []string{"email", "role", "language"}, c.Value("role")
	if !slices.Contains(administration.AdminRoles, role) {
		return c.Refuse(c.Wrong("role", "settings.role_wrong"), fields...)
	}
	asker := c.Asker
	if lang := c.Value("language"); texts.NameOf(lang) != "" {
		asker.Language = lang
	}
	i, err := p.Invitations.Invite(c.Context(), asker, invitations.Wanted{Email: c.Value("email"), AdminRole: role})
	var faults importing.Faults
	switch {
	case errors.Is(err, people.ErrAccountExists):
		err = c.Wrong("email", "settings.invite_exists")
	case errors.Is(err, people.ErrSignUpClosed):
		err = c.Wrong("email", "settings.invite_closed")
	case errors.As(err, &faults):
		err = c.Wrong("email", "settings.test_wrong")
	}
	if err != nil {
		return c.Refuse(err, fields...)
	}
	return c.Tell(c.To(root+"/administrators"), console.Notice{Secret: i.Link, SecretName: c.T("settings.invite_link"),
		Text: c.T("settings.administrator_invited", i.Email, roleName(c, role))})
}
