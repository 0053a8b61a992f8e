package people

import (
	"cmp"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	newestEvents = 8
	eventsPage   = 40
)

// fillEvents adds the latest events, for readers of the audit trail.
func (p place) fillEvents(c *console.Call, u storage.User, page *personPage) error {
	if !page.History {
		return nil
	}
	rows, _, err := p.events(c, u, "", newestEvents)
	page.Events = rows
	return err
}

// events returns events about the user, and the id before which the next page begins.
func (p place) events(
	c *console.Call, u storage.User, before string, most int,
) (rows []eventRow, older string, err error) {
	all, err := p.People.Activity(c.Context(), u, before, most)
	if err != nil {
		return nil, "", err
	}
	for _, e := range all.Events {
		row := eventRow{What: c.T(storage.EventSentence(e.Kind)), IP: e.IP, Kind: e.Kind, At: ui.StampOf(c.Words, e.At),
			Detail: cmp.Or(e.Detail["reason"], e.Detail["group"], e.Detail["role"])}
		if client, ok := all.Clients[e.ClientID]; ok {
			row.App = ui.ClientOf(&client, c.Words).Name
		}
		rows = append(rows, row)
	}
	return rows, all.Older, nil
}

// history shows what happened with the account, newest first.
func (p place) history(c *console.Call) error {
	u, err := p.Accounts.Store.User(c.Context(), c.Tenant().ID, c.PathValue("user"))
	if err != nil {
		return err
	}
	list := "history of " + u.ID
	rows, older, err := p.events(c, u, console.At[string](c, list), eventsPage)
	if err != nil {
		return err
	}
	page := struct {
		List console.List
		Rows []eventRow
	}{console.List{First: c.First()}, rows}
	if older != "" {
		if page.List.Next, err = console.PageAfter(c, list, older); err != nil {
			return err
		}
	}
	v := c.View("people.history").BackTo(console.NameOf(u), pathOf(u.ID, ""))
	return c.ShowView("history", v, page)
}
