package groups

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// nameOf returns the role, or the app or the API of roles, that the request names.
func nameOf(c *console.Call) storage.RoleName {
	r := storage.RoleName{Client: c.FormValue("client"), API: c.FormValue("api"), Name: c.FormValue("role")}
	if r.API != "" {
		r.Client = ""
	}
	return r
}

// ofOwner returns the path of a page about the owner of roles.
func ofOwner(c *console.Call, page string, r storage.RoleName, more ...string) string {
	return c.To(page, append([]string{"client", r.Client, "api", r.API}, more...)...)
}

// owner returns what the app or the API is called, and has the settings of the tenant read anew, which may be a second
// old. storage.ErrNotFound: there is none.
func (p place) owner(c *console.Call, r storage.RoleName) (string, error) {
	if r.API == "" {
		app, err := p.Clients.Client(c.Context(), c.Tenant().ID, r.Client)
		return cmp.Or(app.ClientName, app.ClientID), err
	}
	t, err := p.Tenants.Tenant(c.Context(), c.Tenant().ID)
	if err != nil {
		return "", err
	}
	tenant := *c.Tenant()
	tenant.Tenant, c.Asker.Tenant = t, &tenant
	api := t.Settings.API(r.API)
	if api == nil {
		return "", storage.ErrNotFound
	}
	return cmp.Or(api.Name, api.Identifier), nil
}

// back leads to the page of the app or the API, or to the groups if the reader may not look at that.
func back(v *console.View, r storage.RoleName, name string) *console.View {
	switch {
	case r.API != "" && v.May("tenant:read"):
		return v.BackTo(name, "/apis/api", "id", r.API)
	case r.API == "" && v.May("clients:read"):
		return v.BackTo(name, "/apps/app", "id", r.Client)
	}
	return v.BackTo("place.groups", root)
}

// roles lists the roles of an app or an API.
func (p place) roles(c *console.Call) error {
	of := nameOf(c)
	name, err := p.owner(c, of)
	if err != nil {
		return err
	}
	all, next, err := console.Paged(c, "roles of "+of.Client+" "+of.API, func(
		after string, limit int,
	) ([]storage.Role, error) {
		if of.API != "" {
			return p.Accounts.Store.RolesOfAPI(c.Context(), c.Tenant().ID, of.API, after, limit)
		}
		return p.Accounts.Store.RolesOfClient(c.Context(), c.Tenant().ID, of.Client, after, limit)
	}, func(r storage.Role) string { return r.Name })
	if err != nil {
		return err
	}
	page := struct {
		List  console.List
		Of    storage.RoleName
		Roles []roleRow
		Form  console.Form
	}{List: console.List{Next: next, First: c.First()}, Of: of, Form: c.Form(
		console.Field{Name: "name", Label: "groups.role_name", Hint: "groups.role_name_hint", Required: true, Max: 100},
		console.Field{Name: "title", Label: "groups.title", Max: 200})}
	for _, r := range all {
		page.Roles = append(page.Roles, roleRow{r.Client, r.API, r.Name, r.Title})
	}
	v := back(c.View("groups.roles"), of, name)
	v.Title = c.T("groups.roles_of", name)
	return c.ShowView("roles", v, page)
}

// addRole adds a role.
func (p place) addRole(c *console.Call) error {
	r := nameOf(c)
	if _, err := p.owner(c, r); err != nil {
		return err
	}
	r.Name = c.Value("name")
	if _, err := p.Accounts.AddRole(c.Context(), c.Asker, r, c.Value("title")); err != nil {
		return c.Refuse(said(c, err, "name"), "name", "title")
	}
	return c.Done(ofOwner(c, rolePage, r, "role", r.Name), "groups.role_added", r.Name)
}

// shownRole is what the page of a role shows.
type shownRole struct {
	storage.RoleName
	Title  string
	Users  []member
	Groups []member
	Apps   []member
	More   bool // there are more users than are shown
	// Offered are the first groups that there are, for the field of a holder; all others can be typed.
	Offered []storage.Group
	// Form has the fields of both forms, Rename and Give those of one.
	Form, Rename, Give console.Form
}

// mostOffered is how many groups a field offers.
const mostOffered = 200

// mostHolders is how many of each kind of holder a page shows.
const mostHolders = 100

// role shows a role, and who has it.
func (p place) role(c *console.Call) error {
	name := nameOf(c)
	r, err := p.Accounts.Store.Role(c.Context(), c.Tenant().ID, name)
	if err != nil {
		return err
	}
	page := shownRole{RoleName: name, Title: r.Title, Form: c.Form(
		console.Field{Name: "title", Label: "groups.title", Value: r.Title, Max: 200, Keeps: true},
		console.Field{Name: "kind", Label: "groups.give_to", Kind: "select", Value: "group", Options: []console.Option{
			{Value: "group", Text: c.T("groups.kind.group")}, {Value: "user", Text: c.T("groups.kind.user")},
			{Value: "app", Text: c.T("groups.kind.app")}}},
		console.Field{Name: "holder", Label: "groups.holder", Hint: "groups.holder_hint", List: "offered", Required: true,
			Max: 320})}
	page.Rename.Fields, page.Give.Fields = page.Form.Fields[:1], page.Form.Fields[1:]
	if err := p.fillHolders(c.Context(), c.Tenant().ID, &page); err != nil {
		return err
	}
	if c.May("groups:write") {
		if page.Offered, err = p.Accounts.Store.Groups(c.Context(), c.Tenant().ID, "", mostOffered); err != nil {
			return err
		}
	}
	v := c.View("groups.roles").BackTo("groups.roles", rolesPage, "client", name.Client, "api", name.API)
	v.Title = name.Name
	return c.ShowView("role", v, page)
}

// fillHolders adds who has the role.
func (p place) fillHolders(ctx context.Context, tenant string, page *shownRole) error {
	users, err := p.Accounts.Store.UserHolders(ctx, tenant, page.RoleName, "", mostHolders+1)
	if err != nil {
		return err
	}
	if page.More = len(users) > mostHolders; page.More {
		users = users[:mostHolders]
	}
	for _, u := range users {
		page.Users = append(page.Users, memberOf(u))
	}
	groups, err := p.Accounts.Store.GroupHolders(ctx, tenant, page.RoleName, "", mostHolders)
	if err != nil {
		return err
	}
	for _, g := range groups {
		page.Groups = append(page.Groups, member{ID: g.ID, Name: titleOf(g)})
	}
	apps, err := p.Accounts.Store.ClientHolders(ctx, tenant, page.RoleName, "", mostHolders)
	for _, id := range apps {
		page.Apps = append(page.Apps, member{ID: id, Name: id})
	}
	return err
}

// renameRole stores the role's title.
func (p place) renameRole(c *console.Call) error {
	name := nameOf(c)
	r, err := p.Accounts.Store.Role(c.Context(), c.Tenant().ID, name)
	if err != nil {
		return err
	}
	if changed := c.ChangedFields(map[string]string{"title": r.Title}); len(changed) > 0 {
		return c.Refuse(changed, "title")
	}
	if _, err := p.Accounts.RenameRole(c.Context(), c.Asker, r, c.Value("title")); err != nil {
		return c.Refuse(said(c, err, "title"), "title")
	}
	return c.Done(ofOwner(c, rolePage, name, "role", name.Name), "console.saved")
}

// holder returns what a form names: a user or an app only if the reader may change it.
func (p place) holder(c *console.Call) (h storage.RoleHolder, shown string, err error) {
	id := strings.TrimSpace(c.FormValue("holder"))
	switch c.FormValue("kind") {
	case "user":
		u, err := p.found(c, "holder")
		return storage.RoleHolder{User: u.ID}, memberOf(u).Name, err
	case "app":
		app, err := p.Clients.Client(c.Context(), c.Tenant().ID, id)
		if errors.Is(err, storage.ErrNotFound) {
			return h, "", c.Wrong("holder", "groups.fault.app")
		}
		if err == nil && administration.BeyondClient(app, c.Scopes) != "" {
			err = c.Wrong("holder", "groups.fault.beyond")
		}
		return storage.RoleHolder{Client: id}, cmp.Or(app.ClientName, id), err
	}
	g, err := p.Accounts.Store.Group(c.Context(), c.Tenant().ID, id)
	if errors.Is(err, storage.ErrNotFound) {
		return h, "", c.Wrong("holder", "groups.fault.group")
	}
	return storage.RoleHolder{Group: g.ID}, titleOf(g), err
}

// give gives the role to a group, a user or an app.
func (p place) give(c *console.Call) error {
	name := nameOf(c)
	h, shown, err := p.holder(c)
	if err == nil {
		err = p.Accounts.GiveRole(c.Context(), c.Asker, name, h)
	}
	if err != nil && !errors.Is(err, storage.ErrExists) { // then it is as wished
		return c.Refuse(err, "kind", "holder")
	}
	return c.Done(ofOwner(c, rolePage, name, "role", name.Name), "groups.given", shown, name.Name)
}

// take takes the role away. Undo gives it back.
func (p place) take(c *console.Call) error {
	name := nameOf(c)
	h, shown, err := p.holder(c)
	if fault, ok := errors.AsType[console.Faults](err); ok && len(fault) > 0 {
		return storage.ErrNotFound
	}
	if err == nil {
		err = p.Accounts.TakeRole(c.Context(), c.Asker, name, h)
	}
	if err != nil {
		return err
	}
	to := ofOwner(c, rolePage, name, "role", name.Name)
	if c.Value("back") == "group" && h.Group != "" {
		to = c.To(groupPage, "id", h.Group)
	}
	return c.Tell(to, console.Notice{Text: c.T("groups.taken", shown, name.Name),
		Undo: ofOwner(c, root+"/give", name, "role", name.Name, "kind", c.FormValue("kind"), "holder",
			c.FormValue("holder"))})
}

// removeRolePage says what the removal of a role will do.
func (p place) removeRolePage(c *console.Call) error {
	name := nameOf(c)
	if _, err := p.Accounts.Store.Role(c.Context(), c.Tenant().ID, name); err != nil {
		return err
	}
	return c.Confirm(console.Confirm{Title: c.T("groups.remove_role_title", name.Name), Button: c.T("groups.remove_role"),
		Danger: true, Final: true, Will: []string{c.T("groups.remove_role_will.1"), c.T("groups.remove_role_will.2")},
		Hidden: map[string]string{"client": name.Client, "api": name.API, "role": name.Name},
		Back:   ofOwner(c, rolePage, name, "role", name.Name)})
}

// removeRole removes a role.
func (p place) removeRole(c *console.Call) error {
	name := nameOf(c)
	r, err := p.Accounts.Store.Role(c.Context(), c.Tenant().ID, name)
	if err == nil {
		err = p.Accounts.RemoveRole(c.Context(), c.Asker, r)
	}
	if err != nil {
		return err
	}
	return c.Done(ofOwner(c, rolesPage, name), "groups.role_removed", name.Name)
}

// taking is what the template of the button "take" needs.
type taking struct {
	View         *console.View
	Role         storage.RoleName
	Kind, Holder string
}

// Take returns what the button needs that takes the role from a holder.
func (r shownRole) Take(v *console.View, kind, holder string) taking {
	return taking{v, r.RoleName, kind, holder}
}
