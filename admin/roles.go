package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// role is a role as the API shows one.
type role struct {
	Name   string      `json:"name" doc:"The name. It never changes."`
	Title  string      `json:"title,omitempty" doc:"What administrators call it."`
	Status groupStatus `json:"status" doc:"What is computed."`
	answered
}

func showRole(r storage.Role) (role, error) {
	tag, err := tagOfRole(r)
	return role{r.Name, r.Title, groupStatus{r.CreatedAt, r.UpdatedAt}, answered{tag: tag}}, err
}

// tagOfRole returns the tag of a role. Its holders do not change it.
func tagOfRole(r storage.Role) (jsonapi.ETag, error) { return jsonapi.TagOf(r) }

// ofOwner is the input of an operation about the roles of a client or an API.
type ofOwner struct {
	Owner string `path:"owner" max:"2048" doc:"The client's id, or the API's identifier; escaped, as in https%3A%2F%2Fapi.example."`
}

// ofRole is the input of an operation about one role.
type ofRole struct {
	ofOwner
	Role string `path:"role" max:"100" doc:"The role's name."`
}

// roleOwner is a kind of thing that has roles.
type roleOwner struct {
	path, id string // of its routes
	what     string
	named    func(owner, role string) storage.RoleName
	list     func(s *Server, c *call, owner, after string, limit int) ([]storage.Role, error)
}

// roleOwners are clients and APIs.
var roleOwners = []roleOwner{
	{"/clients/{owner}/roles", "Client", "a client",
		func(owner, role string) storage.RoleName { return storage.RoleName{Client: owner, Name: role} },
		func(s *Server, c *call, owner, after string, limit int) ([]storage.Role, error) {
			return s.Accounts.Store.RolesOfClient(c.Context(), c.asker.Tenant.ID, owner, after, limit)
		}},
	{"/apis/{owner}/roles", "API", "an API",
		func(owner, role string) storage.RoleName { return storage.RoleName{API: owner, Name: role} },
		func(s *Server, c *call, owner, after string, limit int) ([]storage.Role, error) {
			return s.Accounts.Store.RolesOfAPI(c.Context(), c.asker.Tenant.ID, owner, after, limit)
		}},
}

// listRolesCall is the input of the lists of roles.
type listRolesCall struct {
	ofOwner
	filteredCall
}

// putRoleCall is the input of PUT for a role.
type putRoleCall struct {
	ofRole
	Name string `json:"name,omitempty" doc:"The name of the path, or nothing."`
	groupFields
	ignored
	jsonapi.Condition
}

// removeRoleCall is the input of DELETE for a role.
type removeRoleCall struct {
	ofRole
	jsonapi.Condition
}

// ofHolder is the input of an operation about a role and what has it.
type ofHolder struct {
	ofRole
	Holder string `path:"holder" max:"256" doc:"The id of the user, the group or the client."`
}

func (s *Server) roleRoutes() []jsonapi.Route {
	var all []jsonapi.Route
	for _, o := range roleOwners {
		all = append(all, s.listRoles(o), s.getRole(o), s.putRole(o), s.removeRole(o))
		all = append(all, s.holderRoutes(o)...)
		for _, kind := range []struct {
			path, id, what string
			holder         func(id string) storage.RoleHolder
		}{
			{"users", "User", "a user", func(id string) storage.RoleHolder { return storage.RoleHolder{User: id} }},
			{"groups", "Group", "a group", func(id string) storage.RoleHolder { return storage.RoleHolder{Group: id} }},
			{"services", "Service", "a client that acts for itself",
				func(id string) storage.RoleHolder { return storage.RoleHolder{Client: id} }},
		} {
			path := o.path + "/{role}/" + kind.path + "/{holder}"
			all = append(all,
				s.holderRoute(http.MethodPut, path, "give"+o.id+"RoleTo"+kind.id, "Gives a role of "+o.what+" to "+kind.what+".",
					kind.holder, func(c *call, in ofHolder) error {
						err := s.Accounts.GiveRole(c.Context(), c.asker, o.named(in.Owner, in.Role), kind.holder(in.Holder))
						if errors.Is(err, storage.ErrExists) {
							err = nil // as wished
						}
						return err
					}),
				s.holderRoute(http.MethodDelete, path, "take"+o.id+"RoleFrom"+kind.id,
					"Takes a role of "+o.what+" from "+kind.what+".", kind.holder, func(c *call, in ofHolder) error {
						return s.Accounts.TakeRole(c.Context(), c.asker, o.named(in.Owner, in.Role), kind.holder(in.Holder))
					}))
		}
	}
	return all
}

// holderRoute returns the route of an operation about a role and what has it.
func (s *Server) holderRoute(
	method, path, id, summary string, holder func(id string) storage.RoleHolder, do func(c *call, in ofHolder) error,
) jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: method, Path: path, ID: id, Scope: "groups:write", Summary: summary,
		Problems: []jsonapi.Outcome{outranked, moved},
	}, func(c *call, in ofHolder) (none jsonapi.None, err error) {
		if err := s.mayHold(c, holder(in.Holder)); err != nil {
			return none, err
		}
		return none, do(c, in)
	})
}

// mayHold returns an error if the holder of a role is a user or a client who may do more than the caller.
func (s *Server) mayHold(c *call, h storage.RoleHolder) (err error) {
	switch {
	case h.User != "":
		_, err = s.target(c, h.User)
	case h.Client != "":
		_, err = s.managed(c, h.Client)
	}
	return err
}

func (s *Server) listRoles(o roleOwner) jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: o.path, ID: "list" + o.id + "Roles", Scope: "groups:read",
		Summary: "Lists the roles of " + o.what + ".", Text: filterText(roleTable),
	}, func(c *call, in listRolesCall) (jsonapi.Page[role], error) {
		read := func(after string, limit int) ([]storage.Role, error) {
			return o.list(s, c, in.Owner, after, limit)
		}
		name := func(r storage.Role) string { return r.Name }
		return filteredPage(s, c, in.filteredCall, o.path+in.Owner, roleTable, read, name, showRole)
	})
}

func (s *Server) getRole(o roleOwner) jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: o.path + "/{role}", ID: "get" + o.id + "Role", Scope: "groups:read",
		Summary: "Returns a role of " + o.what + ".",
		Text:    "The ETag stands for the role itself: who is given it does not change it.",
	}, func(c *call, in ofRole) (out role, err error) {
		r, err := s.Accounts.Store.Role(c.Context(), c.asker.Tenant.ID, o.named(in.Owner, in.Role))
		if err != nil {
			return out, err
		}
		return showRole(r)
	})
}

func (s *Server) putRole(o roleOwner) jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPut, Path: o.path + "/{role}", ID: "put" + o.id + "Role", Scope: "groups:write",
		Summary:  "Adds a role of " + o.what + ", or gives it another title.",
		Problems: []jsonapi.Outcome{wrongFields, taken, moved, notJSON, tooLarge},
	}, func(c *call, in putRoleCall) (out role, err error) {
		if in.Name != "" && in.Name != in.Role {
			return out, invalid(jsonapi.FieldFault("name", "invalid", "This isn't the name in the path."))
		}
		name := o.named(in.Owner, in.Role)
		r, err := s.Accounts.Store.Role(c.Context(), c.asker.Tenant.ID, name)
		switch {
		case isNotFound(err):
			if err = in.Condition.Check(""); err == nil {
				err = s.readAPIs(c, name)
			}
			if err == nil {
				r, err = s.Accounts.AddRole(c.Context(), c.asker, name, in.Title)
			}
		case err == nil:
			if err = in.Condition.CheckTag(tagOfRole(r)); err == nil {
				r, err = s.Accounts.RenameRole(c.Context(), c.asker, r, in.Title)
			}
		}
		if err != nil {
			return out, err
		}
		return showRole(r)
	})
}

// readAPIs reads the settings of the caller's tenant anew if the role is one of an API that they don't have: they may
// be a second old, and the API was added just now.
func (s *Server) readAPIs(c *call, name storage.RoleName) error {
	if name.API == "" || c.asker.Tenant.Settings.API(name.API) != nil {
		return nil
	}
	t, err := s.own(c)
	if err != nil {
		return err
	}
	tenant := *c.asker.Tenant
	tenant.Tenant, c.asker.Tenant = t, &tenant
	return nil
}

func (s *Server) removeRole(o roleOwner) jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: o.path + "/{role}", ID: "remove" + o.id + "Role", Scope: "groups:write",
		Summary:  "Removes a role of " + o.what + ", and takes it from all that have it.",
		Problems: []jsonapi.Outcome{moved},
	}, func(c *call, in removeRoleCall) (none jsonapi.None, err error) {
		r, err := s.Accounts.Store.Role(c.Context(), c.asker.Tenant.ID, o.named(in.Owner, in.Role))
		if err == nil {
			err = in.Condition.CheckTag(tagOfRole(r))
		}
		if err != nil {
			return none, err
		}
		return none, s.Accounts.RemoveRole(c.Context(), c.asker, r)
	})
}

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
