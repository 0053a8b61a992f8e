package groups

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// shownGroup is what the page of a group shows.
type shownGroup struct {
	ID      string
	Added   ui.Stamp
	List    console.List
	Members []member
	Roles   []roleRow
	Apps    []console.Anchor
	// ManyApps says that there are more apps than were looked at.
	ManyApps bool
	Claims   []string
	Opens    bool // the reader may look at apps
	Form     console.Form
}

type member struct{ ID, Name, Login string }

// roleRow is a role, with the app or the API that it belongs to.
type roleRow struct{ Client, API, Name, Title string }

// mostApps bounds how many apps a page looks at.
const mostApps = 1000

// group shows a group.
func (p place) group(c *console.Call) error {
	g, err := p.groupOf(c)
	if err != nil {
		return err
	}
	page := shownGroup{ID: g.ID, Added: ui.StampOf(c.Words, g.CreatedAt), Opens: c.May("clients:read"),
		Form: c.Form(console.Field{Name: "user", Label: "groups.user", Required: true, Max: 320})}
	users, next, err := console.Paged(c, "members of "+g.ID, func(after string, limit int) ([]storage.User, error) {
		return p.Accounts.Store.Members(c.Context(), c.Tenant().ID, g.ID, after, limit)
	}, func(u storage.User) string { return u.ID })
	if err != nil {
		return err
	}
	page.List.Next, page.List.First = next, c.First()
	for _, u := range users {
		page.Members = append(page.Members, memberOf(u))
	}
	given, err := p.Accounts.Store.RolesGiven(c.Context(), c.Tenant().ID, storage.RoleHolder{Group: g.ID})
	if err != nil {
		return err
	}
	for _, r := range given {
		page.Roles = append(page.Roles, roleRow{Client: r.Client, API: r.API, Name: r.Name})
	}
	if err := p.fillOpens(c, g, &page); err != nil {
		return err
	}
	v := c.View("place.groups").BackTo("place.groups", root)
	v.Title = titleOf(g)
	return c.ShowView("group", v, page)
}

// memberOf returns the user as lists show one.
func memberOf(u storage.User) member {
	m := member{u.ID, cmp.Or(u.Profile.Name, u.Email, u.Username, u.ID), cmp.Or(u.Email, u.Username)}
	if m.Login == m.Name {
		m.Login = ""
	}
	return m
}

// fillOpens adds the apps that only some groups may use, this one among them, and the claims that name groups.
func (p place) fillOpens(c *console.Call, g storage.Group, page *shownGroup) error {
	claims := claimsOfGroups(c.Tenant().Settings.Claims)
	if page.Opens {
		after := ""
		for read := 0; ; read += 250 {
			if page.ManyApps = read >= mostApps; page.ManyApps {
				break
			}
			all, err := p.Clients.Clients(c.Context(), c.Tenant().ID, after, 250)
			if err != nil {
				return err
			}
			for _, app := range all {
				after = app.ClientID
				name := cmp.Or(app.ClientName, app.ClientID)
				if slices.Contains(app.Allow.Groups, g.ID) {
					page.Apps = append(page.Apps, console.Anchor{URL: c.Link("/apps/app", "id", app.ClientID), Text: name})
				}
				for _, claim := range claimsOfGroups(app.Claims) {
					if len(claims) < 20 {
						claims = append(claims, name+": "+claim)
					}
				}
			}
			if len(all) < 250 {
				break
			}
		}
	}
	page.Claims = claims
	return nil
}

// claimsOfGroups returns the claims that name the groups of a user.
func claimsOfGroups(rules []storage.ClaimRule) (all []string) {
	for _, r := range rules {
		if r.From == "groups" {
			all = append(all, r.Claim)
		}
	}
	return all
}

// join makes a user a member, who is named by email address, username or id.
func (p place) join(c *console.Call) error {
	g, err := p.groupOf(c)
	if err != nil {
		return err
	}
	u, err := p.found(c, "user")
	if err != nil {
		return c.Refuse(err, "user")
	}
	if _, err := p.Accounts.Join(c.Context(), c.Asker, u.ID, g.ID); err != nil {
		return err
	}
	return c.Done(c.To(groupPage, "id", g.ID), "groups.joined", memberOf(u).Name)
}

// found returns the user that a field names, who may be changed. Without one, the error is a fault of the field.
func (p place) found(c *console.Call, field string) (storage.User, error) {
	u, err := p.Accounts.Find(c.Context(), c.Asker, strings.TrimSpace(c.FormValue(field)))
	if errors.Is(err, storage.ErrNotFound) {
		return u, c.Wrong(field, "groups.fault.user")
	}
	if err != nil {
		return u, err
	}
	return c.Target(u.ID)
}

// leave ends a membership. Undo makes the user a member again.
func (p place) leave(c *console.Call) error {
	g, err := p.groupOf(c)
	if err != nil {
		return err
	}
	u, err := c.Target(c.Value("user"))
	if err != nil {
		return err
	}
	left, err := p.Accounts.Leave(c.Context(), c.Asker, u.ID, g.ID)
	if err != nil {
		return err
	}
	if !left {
		return &console.Refusal{Status: http.StatusConflict, Title: "console.stale.title", Text: "console.stale",
			Back: c.To(groupPage, "id", g.ID)}
	}
	return c.Tell(c.To(groupPage, "id", g.ID), console.Notice{Text: c.T("groups.left", memberOf(u).Name),
		Undo: c.To(root+"/join", "id", g.ID, "user", u.ID)})
}
