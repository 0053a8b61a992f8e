package apps

import (
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// row is an app in the list.
type row struct {
	ID, Name, Kind string
	Disabled       bool
	Declared       bool
	Outside        string // the text of its origin
	LastSignIn     *ui.Stamp
}

// list shows apps, and finds them.
func (p place) list(c *console.Call) error {
	list, keep := "apps", func(storage.Client) bool { return true }
	kind, disabled, outside := c.FormValue("kind"), c.FormValue("disabled") == "1", c.FormValue("outside") == "1"
	if kind != "" || disabled || outside {
		list += " kind=" + kind + " disabled=" + c.FormValue("disabled") + " outside=" + c.FormValue("outside")
		keep = func(a storage.Client) bool {
			return (kind == "" || kindOf(a) == kind) && (!disabled || a.Disabled) && (!outside || a.Outside != nil)
		}
	}
	filtered := c.FormValue("q") != "" || kind != "" || disabled || outside
	if !filtered {
		keep = nil
	}
	all, next, err := console.Found(c, list, func(after string, limit int) ([]storage.Client, error) {
		return p.Store.Clients(c.Context(), c.Tenant().ID, after, limit)
	}, func(a storage.Client) string { return a.ClientID },
		func(a storage.Client) []string { return append([]string{a.ClientID, a.ClientName}, a.RedirectURIs...) }, keep)
	if err != nil {
		return err
	}
	page := struct {
		List     console.List
		Rows     []row
		Searched bool
	}{List: console.List{Search: c.Link(root), Query: c.FormValue("q"), Prompt: c.T("apps.search"),
		Button: c.T("console.search"), Next: next, First: c.First(), Filtered: filtered},
		Searched: next != "" && len(all) < console.PageSize}
	for _, k := range kinds {
		page.List.Filters = append(page.List.Filters, c.Toggle("kind", k, "apps.kind."+k))
	}
	page.List.Filters = append(page.List.Filters, c.Toggle("disabled", "1", "apps.disabled"),
		c.Toggle("outside", "1", "apps.outside"))
	for _, name := range []string{"kind", "disabled", "outside"} {
		if v := c.FormValue(name); v != "" {
			page.List.Kept = append(page.List.Kept, console.Option{Value: name, Text: v})
		}
	}
	page.Rows, err = p.rows(c, all)
	if err != nil {
		return err
	}
	return c.Show("list", "place.apps", page)
}

// rows returns apps as the list shows them.
func (p place) rows(c *console.Call, all []storage.Client) (rows []row, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	last, err := p.Store.LastSignIns(c.Context(), c.Tenant().ID, all[0].ClientID, all[len(all)-1].ClientID)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		r := row{ID: a.ClientID, Name: nameOf(a), Kind: c.T("apps.kind." + kindOf(a)), Disabled: a.Disabled,
			Declared: a.Declared}
		if a.Outside != nil {
			r.Outside = c.T("apps.origin." + a.Outside.Origin)
		}
		if at, ok := last[a.ClientID]; ok {
			stamp := ui.StampOf(c.Words, at)
			r.LastSignIn = &stamp
		}
		rows = append(rows, r)
	}
	return rows, nil
}
