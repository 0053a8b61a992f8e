package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/filter"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// pageFields are the parameters of a list.
type pageFields struct {
	Limit int    `query:"limit" least:"1" most:"200" doc:"How many entries a page has at most; 50 when left out."`
	After string `query:"after" max:"4096" doc:"The next of the page before."`
}

// most returns how many entries a page has at most.
func (p pageFields) most() int {
	if p.Limit == 0 {
		return 50
	}
	return p.Limit
}

// cursors seals the cursors of the tenant's lists.
func (s *Server) cursors(c *call) *secret.Box {
	return s.Secrets.Box(c.asker.Tenant.ID, secret.ListCursor)
}

// page returns a page of a list by ids. read returns entries after an id: one more than a page has shows that
// there is a next page.
func page[T, Out any](
	s *Server, c *call, in pageFields, list string, read func(after string, limit int) ([]T, error),
	id func(T) string, show func(T) (Out, error),
) (out jsonapi.Page[Out], err error) {
	after, err := jsonapi.OpenCursor[string](s.cursors(c), list, in.After)
	if err != nil {
		return out, err
	}
	all, err := read(after, in.most()+1)
	if err != nil {
		return out, err
	}
	if len(all) > in.most() {
		all = all[:in.most()]
		if out.Next, err = jsonapi.SealCursor(s.cursors(c), list, id(all[len(all)-1])); err != nil {
			return out, err
		}
	}
	for _, one := range all {
		shown, err := show(one)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, shown)
	}
	return out, nil
}

// listUsersCall is the input of GET /users.
type listUsersCall struct {
	pageFields
	Query string `query:"q" max:"320" doc:"Only users with this at the beginning, in any case: of the email address, the username, the verified phone number, the id, the external id, or of a word of the name, with or without accents. Or the user whom a client with subject_type pairwise knows by this sub."`
	filterField
	Email      string `query:"email" max:"320" doc:"Only the user with this address."`
	Username   string `query:"username" max:"320" doc:"Only the user with this username."`
	ExternalID string `query:"external_id" max:"255" doc:"Only the user with this external id."`
}

func (s *Server) listUsers() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/users", ID: "listUsers", Scope: "users:read", Summary: "Lists and finds users.",
		Text: "`q`, `email`, `username` and `external_id` exclude each other; `filter` goes with `q`. " +
			filterText(administration.UserTable(nil)) + " Of attributes, it asks for `attributes.NAME`.",
	}, func(c *call, in listUsersCall) (out jsonapi.Page[user], err error) {
		exact := 0
		for _, text := range []string{in.Query, in.Email, in.Username, in.ExternalID} {
			if text != "" {
				exact++
			}
		}
		switch {
		case exact > 1:
			return out, jsonapi.Faulty(jsonapi.ParameterFault("q", "invalid",
				"Send only one of q, email, username and external_id."))
		case in.Filter != "" && exact > 0 && in.Query == "":
			return out, jsonapi.Faulty(jsonapi.ParameterFault("filter", "invalid", "Send it alone, or with q."))
		case in.Query != "" || in.Filter != "":
			return s.search(c, in)
		case exact == 1:
			return s.exactly(c, in)
		}
		return page(s, c, in.pageFields, "users", func(after string, limit int) ([]administration.Listed, error) {
			return s.Accounts.List(c.Context(), c.asker, after, limit)
		}, func(u administration.Listed) string { return u.ID }, shownUser)
	})
}

// search returns a page of the users that the query and the filter find.
func (s *Server) search(c *call, in listUsersCall) (out jsonapi.Page[user], err error) {
	q := administration.Query{Text: in.Query, Table: administration.UserTable(c.asker.Tenant.Settings.Attributes)}
	if q.Filter, err = parseFilter(in.filterField, q.Table); err != nil {
		return out, err
	}
	list := "users q=" + in.Query + " filter=" + in.Filter
	at, err := jsonapi.OpenCursor[administration.Place](s.cursors(c), list, in.After)
	if err != nil {
		return out, err
	}
	found, next, err := s.Accounts.Search(c.Context(), c.asker, q, at, in.most())
	if err != nil {
		return out, err
	}
	for _, u := range found {
		one, err := shownUser(u)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, one)
	}
	if !next.End {
		out.Next, err = jsonapi.SealCursor(s.cursors(c), list, next)
	}
	return out, err
}

// exactly returns the one user who has the address, username or external id, or an empty list.
func (s *Server) exactly(c *call, in listUsersCall) (out jsonapi.Page[user], err error) {
	u, err := s.userWith(c, in)
	if isNotFound(err) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	one, err := s.shown(c, u)
	out.Items = []user{one}
	return out, err
}

// userWith returns the user who has the address, username or external id.
func (s *Server) userWith(c *call, in listUsersCall) (storage.User, error) {
	ctx, store, tenant := c.Context(), s.Accounts.Store, c.asker.Tenant.ID
	switch {
	case in.ExternalID != "":
		return store.UserByExternalID(ctx, tenant, in.ExternalID)
	case in.Username != "":
		if key, ok := username.Key(in.Username); ok {
			return store.UserByUsername(ctx, tenant, key)
		}
	default:
		if email, err := address.Read(in.Email); err == nil {
			return store.UserByEmail(ctx, tenant, email.Key())
		}
	}
	return storage.User{}, storage.ErrNotFound
}

// filterField is the parameter of lists that can be filtered.
type filterField struct {
	Filter string `query:"filter" max:"2000" doc:"Only entries that match: a filter of SCIM (RFC 7644 section 3.4.2.2), such as disabled eq true and (email sw \"a\" or not (roles pr))."`
}

// filteredCall is the input of a list that can be filtered.
type filteredCall struct {
	pageFields
	filterField
}

// filterText describes the lists that can be filtered by the fields of a table.
func filterText[T any](table filter.Table[T]) string {
	names := make([]string, len(table))
	for i, c := range table {
		names[i] = "`" + c.Name + "`"
	}
	return "`filter` can ask for " + strings.Join(names, ", ") + ". If few of many entries match, a page may have few, " +
		"or none, and a `next` all the same: the search has come so far. Without `next` it is complete."
}

// parseFilter reads the filter of a request.
func parseFilter[T any](in filterField, table filter.Table[T]) (filter.Filter, error) {
	if in.Filter == "" {
		return filter.Filter{}, nil
	}
	f, err := table.Parse(in.Filter)
	var wrong *filter.Fault
	if errors.As(err, &wrong) {
		err = jsonapi.Faulty(jsonapi.ParameterFault("filter", "invalid", sentence(wrong)))
	}
	return f, err
}

// A filtered page reads so many entries at a time, and so many before it answers with what it has found until then.
const (
	filterPart = 200
	filterMost = 1000
)

// filteredPage is page for those entries that match a filter. The first column of the table is what id returns: only
// the part of the list is read that the filter asks for.
func filteredPage[T, Out any](
	s *Server, c *call, in filteredCall, list string, table filter.Table[T],
	read func(after string, limit int) ([]T, error), id func(T) string, show func(T) (Out, error),
) (out jsonapi.Page[Out], err error) {
	if in.Filter == "" {
		return page(s, c, in.pageFields, list, read, id, show)
	}
	f, err := parseFilter(in.filterField, table)
	if err != nil {
		return out, err
	}
	list += " filter=" + in.Filter
	after, err := jsonapi.OpenCursor[string](s.cursors(c), list, in.After)
	if err != nil {
		return out, err
	}
	first, last := idsOf(f, table[0].Name)
	after = max(after, first)
	for left := filterMost; left > 0; left -= filterPart {
		all, err := read(after, filterPart)
		if err != nil {
			return out, err
		}
		for _, one := range all {
			if after = id(one); after > last {
				return out, nil
			}
			if !table.Match(f, one) {
				continue
			}
			shown, err := show(one)
			if err != nil {
				return out, err
			}
			if out.Items = append(out.Items, shown); len(out.Items) == in.most() {
				out.Next, err = jsonapi.SealCursor(s.cursors(c), list, after)
				return out, err
			}
		}
		if len(all) < filterPart {
			return out, nil
		}
	}
	out.Next, err = jsonapi.SealCursor(s.cursors(c), list, after)
	return out, err
}

// afterAll sorts after every id.
const afterAll = "\U0010FFFF"

// idsOf returns an id before all that the filter asks for, and one that is not less than any of them.
func idsOf(f filter.Filter, field string) (first, last string) {
	last = afterAll
	for _, c := range f.Must() {
		special := func(r rune) bool { return r <= ' ' || r > '~' }
		if c.Field != field || c.Text == "" || strings.ContainsFunc(c.Text, special) {
			continue // it only makes more to read
		}
		switch n := len(c.Text) - 1; c.Op {
		case filter.Equal, filter.StartsWith:
			first = max(first, c.Text[:n]+string(rune(c.Text[n]-1))+afterAll)
			last = min(last, c.Text+afterAll)
		case filter.Greater, filter.NotLess:
			first = max(first, c.Text[:n]+string(rune(c.Text[n]-1))+afterAll)
		case filter.Less, filter.NotGreater:
			last = min(last, c.Text)
		}
	}
	return first, last
}

// groupTable is what filters can ask about groups.
var groupTable = filter.Table[storage.Group]{
	filter.TextColumn("id", filter.Exact, func(g storage.Group) string { return g.ID }),
	filter.TextColumn("title", nil, func(g storage.Group) string { return g.Title }),
	filter.TimeColumn("status.created_at", func(g storage.Group) time.Time { return g.CreatedAt }),
	filter.TimeColumn("status.updated_at", func(g storage.Group) time.Time { return g.UpdatedAt }),
}

// roleTable is what filters can ask about the roles of a client or an API.
var roleTable = filter.Table[storage.Role]{
	filter.TextColumn("name", filter.Exact, func(r storage.Role) string { return r.Name }),
	filter.TextColumn("title", nil, func(r storage.Role) string { return r.Title }),
	filter.TimeColumn("status.created_at", func(r storage.Role) time.Time { return r.CreatedAt }),
	filter.TimeColumn("status.updated_at", func(r storage.Role) time.Time { return r.UpdatedAt }),
}

// outsideOf returns what is known of a client that no administrator added; nothing of others.
func outsideOf(c storage.Client) storage.Outside {
	if c.Outside == nil {
		return storage.Outside{}
	}
	return *c.Outside
}

// clientTable is what filters can ask about clients.
var clientTable = filter.Table[storage.Client]{
	filter.TextColumn("client_id", filter.Exact, func(c storage.Client) string { return c.ClientID }),
	filter.TextColumn("client_name", nil, func(c storage.Client) string { return c.ClientName }),
	filter.BoolColumn("disabled", func(c storage.Client) bool { return c.Disabled }),
	filter.TextsColumn("grant_types", func(c storage.Client) []string { return c.GrantTypes }),
	filter.TextsColumn("redirect_uris", func(c storage.Client) []string { return c.RedirectURIs }),
	filter.TextColumn("token_endpoint_auth_method", filter.Exact, func(c storage.Client) string {
		return c.TokenEndpointAuthMethod
	}),
	filter.BoolColumn("status.declared", func(c storage.Client) bool { return c.Declared }),
	filter.TextColumn("status.origin", filter.Exact, func(c storage.Client) string { return outsideOf(c).Origin }),
	filter.TextColumn("status.verdict", filter.Exact, func(c storage.Client) string { return outsideOf(c).Verdict }),
	filter.TimeColumn("status.created_at", func(c storage.Client) time.Time { return c.CreatedAt }),
	filter.TimeColumn("status.updated_at", func(c storage.Client) time.Time { return c.UpdatedAt }),
}
