package people

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// mostAtOnce is how many users one action changes at most: a request has to end in time.
const mostAtOnce = 100

// bulkAction is something that an administrator does to several users. Its texts are people.bulk.ID and
// people.bulk_will.ID. undo is the action that takes it back; "" if none does.
type bulkAction struct {
	id, undo string
	do       func(p place, c *console.Call, u storage.User) error
}

// bulkActions are those that a list offers.
var bulkActions = []bulkAction{
	{"disable", "enable", func(p place, c *console.Call, u storage.User) error {
		return p.Accounts.Disable(c.Context(), c.Asker, u.ID)
	}},
	{"enable", "", func(p place, c *console.Call, u storage.User) error {
		return p.Accounts.Enable(c.Context(), c.Asker, u.ID)
	}},
	{"sessions", "", func(p place, c *console.Call, u storage.User) error {
		return p.Accounts.EndSessions(c.Context(), c.Asker, u.ID)
	}},
	{"expire", "keep", func(p place, c *console.Call, u storage.User) error {
		return p.expire(true)(c, u, &console.Notice{}, nil)
	}},
	{"keep", "", func(p place, c *console.Call, u storage.User) error {
		return p.expire(false)(c, u, &console.Notice{}, nil)
	}},
	{"reset", "", func(p place, c *console.Call, u storage.User) error {
		return p.People.SendReset(c.Context(), c.Asker, u)
	}},
}

// bulkOf returns the action that a request names.
func bulkOf(c *console.Call) (bulkAction, error) {
	for _, a := range bulkActions {
		if a.id == c.FormValue("do") {
			return a, nil
		}
	}
	return bulkAction{}, storage.ErrNotFound
}

// bulkRow is a user who was selected.
type bulkRow struct {
	ID, Name, Login string
	// Result says what became of the user, once it is done.
	Result string
	Failed bool
}

// bulkShown is what the preview and the results show.
type bulkShown struct {
	Do, Will, Button string
	Rows             []bulkRow
	More             bool // others match, too, and are left for the next time
	Done             bool
	// Undo is the action that takes it back, for the users who were changed; "" for none.
	Undo string
}

// bulkPage shows who would be changed, and how.
func (p place) bulkPage(c *console.Call) error {
	a, err := bulkOf(c)
	if err != nil {
		return err
	}
	users, more, err := p.selected(c)
	if err != nil {
		return err
	}
	page := bulkShown{Do: a.id, Will: c.T("people.bulk_will." + a.id), Button: c.T("people.bulk." + a.id), More: more}
	for _, u := range users {
		page.Rows = append(page.Rows, bulkRow{ID: u.ID, Name: console.NameOf(u), Login: u.Email})
	}
	v := c.View("people.bulk").BackTo("place.people", root)
	v.Title = c.T("people.bulk_title", c.T("people.bulk."+a.id), len(users))
	return c.ShowView("bulk", v, page)
}

// selected returns the users whose boxes were checked, or all that the list finds, and whether there are more.
func (p place) selected(c *console.Call) (users []storage.User, more bool, err error) {
	if c.FormValue("all") != "" {
		found, next, err := p.find(c, mostAtOnce)
		for _, u := range found[:min(len(found), mostAtOnce)] {
			users = append(users, u.User)
		}
		return users, next != "", err
	}
	for _, id := range c.Request.Form["u"][:min(len(c.Request.Form["u"]), mostAtOnce)] {
		u, err := p.Accounts.Store.User(c.Context(), c.Tenant().ID, id)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		users = append(users, u)
	}
	return users, len(c.Request.Form["u"]) > mostAtOnce, nil
}

// outcomes are what became of users, by what the page says: on the way to the page that shows it.
type outcomes struct {
	Do  string
	IDs map[string][]string // by the text's id
}

// bulk does the action to each user that the preview showed, and leads to the results. One who can't be changed keeps
// no other from being changed.
func (p place) bulk(c *console.Call) error {
	a, err := bulkOf(c)
	if err != nil {
		return err
	}
	out := outcomes{a.id, map[string][]string{}}
	done := 0
	for name := range c.PostForm {
		id, ok := strings.CutPrefix(name, "u.")
		if !ok || done >= mostAtOnce {
			continue
		}
		done++
		text := "people.result.done"
		u, err := c.Target(id)
		if err == nil {
			err = a.do(p, c, u)
		}
		if err != nil {
			if text, err = resultOf(err); err != nil {
				return err
			}
		}
		out.IDs[text] = append(out.IDs[text], id)
	}
	plain, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return c.Go(c.To(root+"/done", "r", c.Seal(plain)))
}

// resultOf returns the id of the text that says why a user was not changed; err for what no user is the reason of.
func resultOf(err error) (string, error) {
	if refused, ok := errors.AsType[*console.Refusal](err); ok {
		return refused.Title, nil
	}
	for known, text := range map[error]string{
		storage.ErrNotFound: "console.gone.title", storage.ErrStale: "console.stale.title",
		storage.ErrLastOwner: "console.last_owner.title",
	} {
		if errors.Is(err, known) {
			return text, nil
		}
	}
	if _, ok := errors.AsType[*importing.Fault](err); ok {
		return "people.result.nothing", nil
	}
	if isNoReset(err) {
		return "people.result.no_reset", nil
	}
	return "", err
}

// bulkDone shows what became of each user.
func (p place) bulkDone(c *console.Call) error {
	var out outcomes
	plain, err := c.Unseal(c.FormValue("r"))
	if err != nil || json.Unmarshal(plain, &out) != nil {
		return storage.ErrNotFound
	}
	page := bulkShown{Do: out.Do, Done: true}
	if len(out.IDs["people.result.done"]) > 0 {
		for _, a := range bulkActions {
			if a.id == out.Do {
				page.Undo = a.undo
			}
		}
	}
	for text, ids := range out.IDs {
		for _, id := range ids {
			row := bulkRow{ID: id, Name: id, Result: c.T(text), Failed: text != "people.result.done"}
			if u, err := p.Accounts.Store.User(c.Context(), c.Tenant().ID, id); err == nil {
				row.Name, row.Login = console.NameOf(u), u.Email
			}
			page.Rows = append(page.Rows, row)
		}
	}
	v := c.View("people.bulk").BackTo("place.people", root)
	v.Title = c.T("people.bulk_done", c.T("people.bulk."+out.Do))
	return c.ShowView("bulk", v, page)
}
