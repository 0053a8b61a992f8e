package people

import (
	"cmp"
	"context"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/filter"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// row is a user in the list.
type row struct {
	ID, Name, Login string
	Badges          []badge
	LastSignIn      *ui.Stamp
}

// listPage is what the list shows.
type listPage struct {
	List console.List
	Rows []row
	// Group narrows the list to the members of a group.
	Group string
	// Searched says that few of many users match, and the search has come so far.
	Searched bool
	May      bool // select users, and do something with them
	Actions  []console.Option
	// Whole are the parameters of the list, for an action on all that it finds.
	Whole []console.Option
}

// filters are the conditions that the list can be narrowed by, by the name of their parameter.
var filters = []struct{ name, condition string }{
	{"unverified", "email_verified eq false"},
	{"unsecured", "status.second_factor eq false"},
	{"disabled", "disabled eq true"},
	{"never", "not (status.last_sign_in pr)"},
	{"admins", "status.admin_role pr"},
}

// query returns what the parameters of the list ask for, and a name of it for cursors.
func query(c *console.Call) (q administration.Query, name string, err error) {
	var conditions []string
	for _, f := range filters {
		if c.FormValue(f.name) == "1" {
			conditions = append(conditions, f.condition)
		}
	}
	q = administration.Query{Text: strings.TrimSpace(c.FormValue("q")),
		Table: administration.UserTable(c.Tenant().Settings.Attributes)}
	text := strings.Join(conditions, " and ")
	if text != "" {
		q.Filter, err = q.Table.Parse(text)
	}
	name = "people q=" + q.Text + " filter=" + text + " group=" + c.FormValue("group") + " by=" + c.FormValue("upstream")
	return q, name, err
}

// list shows users, and finds them.
func (p place) list(c *console.Call) error {
	users, next, err := p.find(c, console.PageSize)
	if err != nil {
		return err
	}
	page := listPage{
		Group: c.FormValue("group"), Searched: next != "" && len(users) < console.PageSize, May: c.May("users:write"),
		List: console.List{Search: c.Link(root), Query: c.FormValue("q"), Prompt: c.T("people.search"),
			Button: c.T("console.search"), Next: next, First: c.First()},
	}
	for _, f := range filters {
		page.List.Filters = append(page.List.Filters, c.Toggle(f.name, "1", "people.filter."+f.name))
	}
	for _, up := range c.Tenant().Settings.Upstreams {
		page.List.Filters = append(page.List.Filters, c.Toggle("upstream", up.ID, "people.by", cmp.Or(up.Name, up.ID)))
	}
	if page.Group != "" {
		page.List.Filters = append(page.List.Filters, c.Toggle("group", page.Group, "people.in_group", page.Group))
	}
	for _, name := range []string{"q", "unverified", "unsecured", "disabled", "never", "admins", "group", "upstream"} {
		if v := c.FormValue(name); v != "" {
			page.Whole = append(page.Whole, console.Option{Value: name, Text: v})
			page.List.Filtered = true
			if name != "q" {
				page.List.Kept = append(page.List.Kept, console.Option{Value: name, Text: v})
			}
		}
	}
	for _, u := range users {
		page.Rows = append(page.Rows, rowOf(c, u))
	}
	if page.May {
		for _, b := range bulkActions {
			page.Actions = append(page.Actions, console.Option{Value: b.id, Text: c.T("people.bulk." + b.id)})
		}
	}
	return c.Show("list", "place.people", page)
}

// find returns a page of the users that the parameters ask for, and the URL of the next one.
func (p place) find(c *console.Call, limit int) (users []administration.Listed, next string, err error) {
	q, name, err := query(c)
	if err != nil {
		return nil, "", err
	}
	if group := c.FormValue("group"); group != "" {
		return p.members(c, q, name, group)
	}
	at := console.At[administration.Place](c, name)
	users, behind, err := p.Accounts.Search(c.Context(), c.Asker, q, at, limit)
	if err != nil {
		return nil, "", err
	}
	if up := c.FormValue("upstream"); up != "" {
		if users, err = p.cameBy(c.Context(), users, up); err != nil {
			return nil, "", err
		}
	}
	if !behind.End {
		next, err = console.PageAfter(c, name, behind)
	}
	return users, next, err
}

// cameBy returns those of the users who have an account at the upstream provider.
func (p place) cameBy(
	ctx context.Context, users []administration.Listed, upstream string,
) (found []administration.Listed, err error) {
	for _, u := range users {
		all, err := p.Accounts.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
		if err != nil {
			return nil, err
		}
		for _, i := range all {
			if i.Provider == upstream {
				found = append(found, u)
				break
			}
		}
	}
	return found, nil
}

// members returns a page of the members of a group who match the query.
func (p place) members(
	c *console.Call, q administration.Query, name, group string,
) (found []administration.Listed, next string, err error) {
	users, next, err := console.Paged(c, name, func(after string, limit int) ([]storage.User, error) {
		return p.Accounts.Store.Members(c.Context(), c.Tenant().ID, group, after, limit)
	}, func(u storage.User) string { return u.ID })
	if err != nil {
		return nil, "", err
	}
	all, err := p.Accounts.ShowAll(c.Context(), c.Tenant().ID, users)
	if err != nil {
		return nil, "", err
	}
	text := administration.Filter{Query: q.Text}
	for _, u := range all {
		if text.Matches(u) && matches(q, u) {
			found = append(found, u)
		}
	}
	return found, next, nil
}

// matches reports whether the user meets the query's filter; no filter is met by all.
func matches(q administration.Query, u administration.Listed) bool {
	return len(filter.Filter.Must(q.Filter)) == 0 || q.Table.Match(q.Filter, u)
}

// rowOf returns the user as the list shows one.
func rowOf(c *console.Call, u administration.Listed) row {
	r := row{ID: u.ID, Name: console.NameOf(u.User), Badges: badgesOf(c, u.User, u.Standing.SecondFactor)}
	if r.Login = cmp.Or(u.Email, u.Username, u.Phone); r.Login == r.Name {
		r.Login = ""
	}
	r.LastSignIn = c.Stamp(u.Standing.LastSignIn)
	return r
}
