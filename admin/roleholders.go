package admin

import (
	"context"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// listHoldersCall is the input of the lists of what has a role.
type listHoldersCall struct {
	ofRole
	pageFields
}

// service is a client that has a role.
type service struct {
	ID string `json:"id" doc:"The client's id."`
}

// holderList is a list of what was given a role itself, of one kind.
type holderList[T, Out any] struct {
	path, id, summary string
	read              func(ctx context.Context, tenant string, r storage.RoleName, after string, limit int) ([]T, error)
	key               func(T) string
	show              func(T) (Out, error)
}

// holderRoutes returns the lists of what was given a role.
func (s *Server) holderRoutes(o roleOwner) []jsonapi.Route {
	return []jsonapi.Route{
		listHolders(s, o, holderList[storage.User, member]{"/users", "Users",
			"Lists the users that were given a role of " + o.what + " themselves.",
			func(ctx context.Context, tenant string, r storage.RoleName, after string, limit int) ([]storage.User, error) {
				return s.Accounts.Store.UserHolders(ctx, tenant, r, after, limit)
			}, func(u storage.User) string { return u.ID }, showMember}),
		listHolders(s, o, holderList[storage.Group, group]{"/groups", "Groups",
			"Lists the groups that were given a role of " + o.what + ". Their members have it, too.",
			func(ctx context.Context, tenant string, r storage.RoleName, after string, limit int) ([]storage.Group, error) {
				return s.Accounts.Store.GroupHolders(ctx, tenant, r, after, limit)
			}, func(g storage.Group) string { return g.ID }, showGroup}),
		listHolders(s, o, holderList[string, service]{"/services", "Services",
			"Lists the clients that were given a role of " + o.what + " for themselves.",
			func(ctx context.Context, tenant string, r storage.RoleName, after string, limit int) ([]string, error) {
				return s.Accounts.Store.ClientHolders(ctx, tenant, r, after, limit)
			}, func(id string) string { return id }, func(id string) (service, error) { return service{id}, nil }}),
	}
}

// listHolders returns the route of a list.
func listHolders[T, Out any](s *Server, o roleOwner, l holderList[T, Out]) jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: o.path + "/{role}" + l.path, ID: "list" + l.id + "With" + o.id + "Role",
		Scope: "groups:read", Summary: l.summary,
	}, func(c *call, in listHoldersCall) (out jsonapi.Page[Out], err error) {
		tenant, name := c.asker.Tenant.ID, o.named(in.Owner, in.Role)
		if _, err := s.Accounts.Store.Role(c.Context(), tenant, name); err != nil {
			return out, err
		}
		list := o.path + l.path + " " + in.Owner + " " + in.Role
		return page(s, c, in.pageFields, list, func(after string, limit int) ([]T, error) {
			return l.read(c.Context(), tenant, name, after, limit)
		}, l.key, l.show)
	})
}
