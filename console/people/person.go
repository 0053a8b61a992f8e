package people

import (
	"cmp"
	"slices"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// person shows a user.
func (p place) person(c *console.Call) error {
	u, err := p.Accounts.Store.User(c.Context(), c.Tenant().ID, c.PathValue("user"))
	if err != nil {
		return err
	}
	st, err := p.Accounts.Standing(c.Context(), c.Asker, u.ID)
	if err != nil {
		return err
	}
	page := personPage{
		ID: u.ID, Name: console.NameOf(u), History: c.May("audit:read"),
		Badges:   badgesOf(c, u, st.AuthenticatorApp || st.Passkeys > 0),
		Outranks: administration.Outranked(u, c.Scopes) != "",
	}
	page.May = c.May("users:write") && !page.Outranks
	page.Groups = c.May("groups:write") && !page.Outranks
	page.Facts = facts(c, u, st)
	if page.Proofs, err = p.proofs(c, u, st); err != nil {
		return err
	}
	for _, a := range c.Tenant().Settings.Attributes {
		if text := attributeText(u.Attributes[a.Name]); text != "" {
			page.Facts = append(page.Facts, fact{Name: cmp.Or(a.Title, a.Name), Text: text})
		}
	}
	if page.Groups {
		if page.Offered, err = p.Accounts.Store.Groups(c.Context(), u.TenantID, "", offeredGroups); err != nil {
			return err
		}
	}
	for _, fill := range []func(*console.Call, storage.User, *personPage) error{
		p.fillProofs, p.fillGroups, p.fillUse, p.fillEvents,
	} {
		if err := fill(c, u, &page); err != nil {
			return err
		}
	}
	page.Why = p.why(c, u, st, page)
	for _, a := range p.actions() {
		if !a.offered(c, u, st) || page.Outranks {
			continue
		}
		to := console.Anchor{URL: c.Link(pathOf(u.ID, "/"+a.id)), Text: c.T("people.do." + a.id)}
		switch {
		case a.direct:
			page.Direct = append(page.Direct, console.Option{Value: to.URL, Text: to.Text})
		case a.id == "lift" && slices.ContainsFunc(page.Why, func(r reason) bool { return r.ID == whyWait }):
			page.Lift = to.URL
		case a.danger:
			page.Danger = append(page.Danger, to)
		default:
			page.Actions = append(page.Actions, to)
		}
	}
	if u.AdminRole == "" && !u.Disabled && c.Has("/settings/administrators/add") {
		page.Actions = append(page.Actions,
			console.Anchor{URL: c.Link("/settings/administrators/add", "user", u.ID), Text: c.T("people.make_admin")})
	}
	v := c.View("place.people").BackTo("place.people", root)
	v.Title = page.Name
	return c.ShowView("person", v, page)
}

// facts returns who the user is.
func facts(c *console.Call, u storage.User, st administration.Standing) []fact {
	verified := func(value string, is bool) *badge {
		switch {
		case value == "":
			return nil
		case is:
			return &badge{c.T("people.badge.verified"), ""}
		}
		return &badge{c.T("people.badge.unverified"), "warn"}
	}
	all := []fact{
		{Name: "people.email", Text: u.Email, Badge: verified(u.Email, u.EmailVerified)},
		{Name: "people.username", Text: u.Username},
		{Name: "people.phone", Text: u.Phone, Badge: verified(u.Phone, u.PhoneVerified)},
		{Name: "people.id", Text: u.ID},
		{Name: "people.external_id", Text: u.ExternalID},
		{Name: "people.created", At: c.Stamp(u.CreatedAt)},
		{Name: "people.last_sign_in", At: c.Stamp(st.LastSignIn),
			Text: ifZero(st.LastSignIn.IsZero(), c.T("people.never"))},
		{Name: "people.last_activity", At: c.Stamp(st.LastActivity)},
	}
	all = slices.DeleteFunc(all, func(f fact) bool { return f.Text == "" && f.At == nil })
	for i := range all {
		all[i].Name = c.T(all[i].Name)
	}
	return all
}

// ifZero returns the text if the condition holds, or "".
func ifZero(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

// proofs returns what the user signs in with, beside passkeys and linked accounts, and when it was used last.
func (p place) proofs(c *console.Call, u storage.User, st administration.Standing) ([]fact, error) {
	var use people.FactorUse
	if st.AuthenticatorApp || st.RecoveryCodes {
		var err error
		if use, err = p.People.FactorUse(c.Context(), u); err != nil {
			return nil, err
		}
	}
	yes := func(is bool) string {
		if is {
			return c.T("console.yes")
		}
		return c.T("console.no")
	}
	password := fact{Name: c.T("people.password"), Text: yes(st.HasPassword)}
	if st.NewPassword {
		password.Badge = &badge{c.T("people.badge.expired"), "warn"}
	}
	codes := fact{Name: c.T("people.codes"), Text: yes(st.RecoveryCodes), At: c.Stamp(use.Recovery)}
	if st.RecoveryCodes {
		codes.Text = c.T("factors.codes_left", use.CodesLeft)
	}
	return []fact{password, {Name: c.T("people.app"), Text: yes(st.AuthenticatorApp), At: c.Stamp(use.App)}, codes}, nil
}

// fillProofs adds passkeys and linked accounts.
func (p place) fillProofs(c *console.Call, u storage.User, page *personPage) error {
	keys, _, err := p.People.Passkeys(c.Context(), c.Asker, u)
	if err != nil {
		return err
	}
	for _, k := range keys {
		page.Passkeys = append(page.Passkeys, passkeyRow{ID: k.ID, Name: cmp.Or(k.Name, c.T("people.passkey")),
			Added: ui.StampOf(c.Words, k.Added), Used: c.Stamp(k.Key.LastUsed)})
	}
	linked, err := p.Accounts.Store.IdentitiesOf(c.Context(), u.TenantID, u.ID)
	for _, i := range linked {
		name, _ := p.People.UpstreamName(c.Tenant(), i.Provider)
		page.Linked = append(page.Linked, linkedRow{i.Provider, i.Subject, cmp.Or(name, i.Provider),
			cmp.Or(i.Email, i.Subject), ui.StampOf(c.Words, i.CreatedAt)})
	}
	return err
}

// fillGroups adds groups and roles.
func (p place) fillGroups(c *console.Call, u storage.User, page *personPage) error {
	memberships, err := p.Accounts.Store.MembershipsOf(c.Context(), u.TenantID, u.ID)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		g, err := p.Accounts.Store.Group(c.Context(), u.TenantID, m.GroupID)
		if err != nil {
			continue // removed at this moment
		}
		page.Member = append(page.Member, memberRow{g.ID, cmp.Or(g.Title, g.ID), m.Upstream})
	}
	roles, err := p.Accounts.Store.RolesGiven(c.Context(), u.TenantID, storage.RoleHolder{User: u.ID})
	for _, r := range roles {
		page.Roles = append(page.Roles, r.Client+r.API+"#"+r.Name)
	}
	return err
}

// fillUse adds sessions and apps.
func (p place) fillUse(c *console.Call, u storage.User, page *personPage) error {
	all, err := p.People.Sessions(c.Context(), u)
	if err != nil {
		return err
	}
	for _, s := range all[:min(len(all), 20)] {
		page.Sessions = append(page.Sessions, sessionRow{s.ID, c.Words.Device(s.UserAgent), s.IP,
			ui.StampOf(c.Words, s.SeenAt), s.Act != nil})
	}
	apps, err := p.People.Apps(c.Context(), u)
	for _, a := range apps[:min(len(apps), 50)] {
		page.Apps = append(page.Apps, appRow{a.Client.ClientID, cmp.Or(a.Client.ClientName, a.Client.ClientID),
			joined(a.Scopes), ui.StampOf(c.Words, a.Since)})
	}
	return err
}
