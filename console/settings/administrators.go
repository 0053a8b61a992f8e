package settings

import (
	"cmp"
	"errors"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// administratorRow is an administrator in the list.
type administratorRow struct {
	Name, Login, Role string
	Disabled, Me      bool
	Person, Change    string // pages; "" for what the reader may not open
}

// administrators lists the administrators with their roles.
func (p place) administrators(c *console.Call) error {
	all, next, err := console.Paged(c, "administrators", func(after string, limit int) ([]storage.User, error) {
		return p.Accounts.Administrators(c.Context(), c.Asker, after, limit)
	}, func(u storage.User) string { return u.ID })
	if err != nil {
		return err
	}
	page := struct {
		List  console.List
		Rows  []administratorRow
		May   bool
		Roles []card
	}{List: console.List{Next: next, First: c.First()}, May: c.May(writeAdmins...)}
	for _, u := range all {
		row := administratorRow{Name: console.NameOf(u), Login: cmp.Or(u.Email, u.Username), Role: roleName(c, u.AdminRole),
			Disabled: u.Disabled, Me: u.ID == c.Administrator.User.ID}
		if c.Has("/people/{user}") {
			row.Person = c.Link("/people/" + u.ID)
		}
		if page.May {
			row.Change = c.Link(root + "/administrator/" + u.ID)
		}
		page.Rows = append(page.Rows, row)
	}
	for _, role := range administration.AdminRoles {
		page.Roles = append(page.Roles, card{console.Anchor{Text: roleName(c, role)}, c.T("settings.role_hint." + role)})
	}
	return c.ShowView("administrators", view(c, "settings.at.administrators"), page)
}

// roleName returns the name of a role of administrators; that of one of a newer release is the role itself.
func roleName(c *console.Call, role string) string {
	if name, err := c.Words.Say("settings.role." + role); err == nil {
		return name
	}
	return role
}

// roleField returns the choice of a role, with none if administrators may lose it.
func roleField(c *console.Call, value string, none bool) console.Field {
	f := console.Field{Name: "role", Label: "settings.role", Kind: "select", Value: value}
	for _, role := range administration.AdminRoles {
		f.Options = append(f.Options, console.Option{Value: role,
			Text: roleName(c, role) + ": " + c.T("settings.role_hint."+role)})
	}
	if none {
		f.Options = append(f.Options, console.Option{Text: c.T("settings.role_none")})
	}
	return f
}

// addAdministratorPage is the form of a new administrator: for the user whose page leads here.
func (p place) addAdministratorPage(c *console.Call) error {
	user := c.FormValue("user")
	if user != "" && c.May("users:read") {
		if u, err := p.Accounts.Find(c.Context(), c.Asker, user); err == nil {
			user = cmp.Or(u.Email, u.Username, u.ID)
		}
	}
	v := c.View("settings.add_administrator").BackTo("settings.at.administrators", root+"/administrators")
	return c.ShowView("form", v,
		formPage{Lead: c.T("settings.add_administrator_lead"), Action: c.Link(root + "/administrators/add"),
			Button: c.T("settings.add_administrator"), Form: c.Form(
				console.Field{Name: "user", Label: "settings.administrator_user", Hint: "settings.administrator_user_hint",
					Value: user, Required: true, Max: 320},
				roleField(c, storage.RoleAuditor, false))})
}

// addAdministrator gives a user a role.
func (p place) addAdministrator(c *console.Call) error {
	u, err := p.Accounts.Find(c.Context(), c.Asker, c.Value("user"))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return c.Refuse(c.Wrong("user", "settings.administrator_unknown"), "user", "role")
	case err != nil:
		return err
	case u.AdminRole != "":
		return c.Refuse(c.Wrong("user", "settings.administrator_already", roleName(c, u.AdminRole)), "user", "role")
	case c.Value("role") == "":
		return c.Refuse(c.Wrong("role", "settings.role_wrong"), "user")
	}
	return p.give(c, u, c.Value("role"))
}

// give gives the user the role, or takes it away for "".
func (p place) give(c *console.Call, u storage.User, role string) error {
	err := p.Accounts.SetRole(c.Context(), c.Asker, u.ID, role)
	if errors.Is(err, administration.ErrNoRole) {
		return c.Refuse(c.Wrong("role", "settings.role_wrong"), "user")
	}
	if err != nil {
		return err
	}
	// Administrators who have just taken the role from themselves cannot open the list any more.
	to := c.To(root + "/administrators")
	if u.ID == c.Administrator.User.ID && role != storage.RoleOwner {
		to = c.To("")
	}
	if role == "" {
		return c.Done(to, "settings.role_taken", console.NameOf(u))
	}
	return c.Done(to, "settings.role_given", console.NameOf(u), roleName(c, role))
}

// administrator asks which role an administrator should have.
func (p place) administrator(c *console.Call) error {
	u, err := c.Target(c.PathValue("user"))
	if err != nil {
		return err
	}
	if u.AdminRole == "" {
		return storage.ErrNotFound
	}
	role := roleField(c, u.AdminRole, true)
	role.Keeps = true
	page := console.Confirm{Title: c.T("settings.change_role", console.NameOf(u)), Button: c.T("console.save"),
		Will: []string{c.T("settings.role_will.1"), c.T("settings.role_will.2")},
		Form: c.Form(role), Back: c.To(root + "/administrators")}
	if u.ID == c.Administrator.User.ID {
		page.Will = append(page.Will, c.T("settings.role_will.3"))
	}
	return c.Confirm(page)
}

// setRole gives an administrator another role, unless another administrator has just done so.
func (p place) setRole(c *console.Call) error {
	u, err := c.Target(c.PathValue("user"))
	if err != nil {
		return err
	}
	if changed := c.ChangedFields(map[string]string{"role": u.AdminRole}); len(changed) > 0 {
		return c.Refuse(changed, "role")
	}
	return p.give(c, u, c.Value("role"))
}
