package groups

import (
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// row is a group in the list.
type row struct {
	ID, Title string
	Added     ui.Stamp
}

// list shows groups, and finds them.
func (p place) list(c *console.Call) error {
	all, next, err := console.Found(c, "groups", func(after string, limit int) ([]storage.Group, error) {
		return p.Accounts.Store.Groups(c.Context(), c.Tenant().ID, after, limit)
	}, func(g storage.Group) string { return g.ID }, func(g storage.Group) []string { return []string{g.ID, g.Title} },
		nil)
	if err != nil {
		return err
	}
	page := struct {
		List     console.List
		Rows     []row
		Searched bool
	}{List: console.List{Search: c.Link(root), Query: c.FormValue("q"), Prompt: c.T("groups.search"),
		Button: c.T("console.search"), Next: next, First: c.First(), Filtered: c.FormValue("q") != ""}}
	for _, g := range all {
		page.Rows = append(page.Rows, row{g.ID, titleOf(g), ui.StampOf(c.Words, g.CreatedAt)})
	}
	page.Searched = next != "" && len(page.Rows) < console.PageSize
	return c.Show("list", "place.groups", page)
}

// addPage is the form of a new group.
func (p place) addPage(c *console.Call) error {
	return c.ShowView("form", c.View("groups.add").BackTo("place.groups", root), formPage{
		Lead: c.T("groups.add_lead"), Action: c.Link(root + "/add"), Button: c.T("groups.add"),
		Form: c.Form(
			console.Field{Name: "id", Label: "groups.id", Hint: "groups.id_hint", Required: true, Max: 63},
			console.Field{Name: "title", Label: "groups.title", Max: 200}),
	})
}

// add adds a group, and leads to its page.
func (p place) add(c *console.Call) error {
	g, err := p.Accounts.AddGroup(c.Context(), c.Asker, c.Value("id"), c.Value("title"))
	if err != nil {
		return c.Refuse(said(c, err, "id"), "id", "title")
	}
	return c.Done(c.To(groupPage, "id", g.ID), "groups.added", titleOf(g))
}

// editPage is the form of the group's title.
func (p place) editPage(c *console.Call) error {
	g, err := p.groupOf(c)
	if err != nil {
		return err
	}
	return c.ShowView("form", c.View("groups.edit").BackTo(titleOf(g), groupPage, "id", g.ID), formPage{
		Action: c.Link(root + "/edit"), Button: c.T("console.save"), ID: g.ID,
		Form: c.Form(console.Field{Name: "title", Label: "groups.title", Value: g.Title, Max: 200, Keeps: true}),
	})
}

// edit stores the title.
func (p place) edit(c *console.Call) error {
	g, err := p.groupOf(c)
	if err != nil {
		return err
	}
	if changed := c.ChangedFields(map[string]string{"title": g.Title}); len(changed) > 0 {
		return c.Refuse(changed, "title")
	}
	if _, err := p.Accounts.RenameGroup(c.Context(), c.Asker, g, c.Value("title")); err != nil {
		return c.Refuse(said(c, err, "title"), "title")
	}
	return c.Done(c.To(groupPage, "id", g.ID), "console.saved")
}

// removePage says what a removal will do.
func (p place) removePage(c *console.Call) error {
	g, err := p.groupOf(c)
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{Title: c.T("groups.remove_title", titleOf(g)), Button: c.T("groups.remove"),
		Danger: true, Final: true,
		Will:   []string{c.T("groups.remove_will.1"), c.T("groups.remove_will.2"), c.T("groups.remove_will.3")},
		Hidden: map[string]string{"id": g.ID, "seen": seen(g)}, Back: c.To(groupPage, "id", g.ID)})
}

// seen stands for the state of the group that a page showed.
func seen(g storage.Group) string { return g.UpdatedAt.UTC().Format("20060102T150405.000000") }

// remove removes the group, unless it was changed since the page was shown.
func (p place) remove(c *console.Call) error {
	g, err := p.groupOf(c)
	if err != nil {
		return err
	}
	if c.Value("seen") != seen(g) {
		return storage.ErrStale
	}
	if err := p.Accounts.RemoveGroup(c.Context(), c.Asker, g); err != nil {
		return err
	}
	return c.Done(c.To(root), "groups.removed", titleOf(g))
}
