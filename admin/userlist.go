package admin

import (
	"net/http"

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
	Query      string `query:"q" max:"320" doc:"Only users whose email address, username, verified phone number or id begins with this, in any case."`
	Email      string `query:"email" max:"320" doc:"Only the user with this address."`
	Username   string `query:"username" max:"320" doc:"Only the user with this username."`
	ExternalID string `query:"external_id" max:"255" doc:"Only the user with this external id."`
}

func (s *Server) listUsers() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/users", ID: "listUsers", Scope: "users:read", Summary: "Lists and finds users.",
		Text: "`q`, `email`, `username` and `external_id` exclude each other.",
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
		case in.Query != "":
			return s.search(c, in)
		case exact == 1:
			return s.exactly(c, in)
		}
		return page(s, c, in.pageFields, "users", func(after string, limit int) ([]administration.Listed, error) {
			return s.Accounts.List(c.Context(), c.asker, after, limit)
		}, func(u administration.Listed) string { return u.ID }, shownUser)
	})
}

// search returns a page of the users that the query finds.
func (s *Server) search(c *call, in listUsersCall) (out jsonapi.Page[user], err error) {
	list := "users q=" + in.Query
	at, err := jsonapi.OpenCursor[administration.Place](s.cursors(c), list, in.After)
	if err != nil {
		return out, err
	}
	found, next, err := s.Accounts.Search(c.Context(), c.asker, in.Query, at, in.most())
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
