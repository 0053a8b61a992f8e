package admin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// group is a group as the API shows one.
type group struct {
	ID     string      `json:"id" doc:"The id, which apps may learn. It never changes."`
	Title  string      `json:"title,omitempty" doc:"What administrators call it."`
	Status groupStatus `json:"status" doc:"What is computed."`
	answered
}

// groupStatus is what is computed about a group or a role.
type groupStatus struct {
	CreatedAt time.Time `json:"created_at" doc:"When it was added."`
	UpdatedAt time.Time `json:"updated_at" doc:"When it was changed last."`
}

func showGroup(g storage.Group) (group, error) {
	tag, err := tagOfGroup(g)
	return group{g.ID, g.Title, groupStatus{g.CreatedAt, g.UpdatedAt}, answered{tag: tag}}, err
}

// tagOfGroup returns the tag of a group. Its members do not change it.
func tagOfGroup(g storage.Group) (jsonapi.ETag, error) { return jsonapi.TagOf(g) }

// groupFields are what administrators write about a group.
type groupFields struct {
	Title string `json:"title,omitempty" doc:"What administrators call it."`
}

// addGroupCall is the input of POST /groups.
type addGroupCall struct {
	ID string `json:"id" need:"true" doc:"The id: small letters, digits and . _ -. It never changes."`
	groupFields
}

// ofGroup is the input of an operation about one group.
type ofGroup struct {
	Group string `path:"group" max:"63" doc:"The group's id."`
}

// putGroupCall is the input of PUT /groups/{group}.
type putGroupCall struct {
	ofGroup
	ID string `json:"id,omitempty" doc:"The id of the path, or nothing."`
	groupFields
	ignored
	jsonapi.Condition
}

// removeGroupCall is the input of DELETE /groups/{group}.
type removeGroupCall struct {
	ofGroup
	jsonapi.Condition
}

// ofMember is the input of an operation about one member of a group.
type ofMember struct {
	ofUser
	Group string `path:"group" max:"63" doc:"The group's id."`
}

// member is a member of a group.
type member struct {
	ID       string `json:"id" doc:"The user's id."`
	Email    string `json:"email,omitempty" doc:"The user's address."`
	Username string `json:"username,omitempty" doc:"The username."`
}

func showMember(u storage.User) (member, error) { return member{u.ID, u.Email, u.Username}, nil }

// membership is a user's membership in a group.
type membership struct {
	Group    string    `json:"group" doc:"The group's id."`
	Upstream string    `json:"upstream,omitempty" doc:"The upstream provider that gave it; missing if an administrator did."`
	Since    time.Time `json:"since" doc:"Since when."`
}

func (s *Server) listGroups() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/groups", ID: "listGroups", Scope: "groups:read", Summary: "Lists the groups.",
		Text: filterText(groupTable),
	}, func(c *call, in filteredCall) (jsonapi.Page[group], error) {
		read := func(after string, limit int) ([]storage.Group, error) {
			return s.Accounts.Store.Groups(c.Context(), c.asker.Tenant.ID, after, limit)
		}
		return filteredPage(s, c, in, "groups", groupTable, read, func(g storage.Group) string { return g.ID }, showGroup)
	})
}

func (s *Server) addGroup() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/groups", ID: "addGroup", Scope: "groups:write", Status: http.StatusCreated,
		Summary: "Adds a group.", Problems: []jsonapi.Outcome{wrongFields, taken, notJSON},
	}, func(c *call, in addGroupCall) (out group, err error) {
		g, err := s.Accounts.AddGroup(c.Context(), c.asker, in.ID, in.Title)
		if err != nil {
			return out, err
		}
		return showGroup(g)
	})
}

func (s *Server) getGroup() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/groups/{group}", ID: "getGroup", Scope: "groups:read", Summary: "Returns a group.",
		Text: "The ETag stands for the group itself: who joins or leaves does not change it.",
	}, func(c *call, in ofGroup) (out group, err error) {
		g, err := s.Accounts.Store.Group(c.Context(), c.asker.Tenant.ID, in.Group)
		if err != nil {
			return out, err
		}
		return showGroup(g)
	})
}

func (s *Server) putGroup() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPut, Path: "/groups/{group}", ID: "putGroup", Scope: "groups:write",
		Summary:  "Adds a group, or gives it another title.",
		Problems: []jsonapi.Outcome{wrongFields, taken, moved, notJSON, tooLarge},
	}, func(c *call, in putGroupCall) (out group, err error) {
		if in.ID != "" && in.ID != in.Group {
			return out, invalid(jsonapi.FieldFault("id", "invalid", "This isn't the id in the path."))
		}
		g, err := s.Accounts.Store.Group(c.Context(), c.asker.Tenant.ID, in.Group)
		switch {
		case isNotFound(err):
			if err = in.Condition.Check(""); err == nil {
				g, err = s.Accounts.AddGroup(c.Context(), c.asker, in.Group, in.Title)
			}
		case err == nil:
			if err = in.Condition.CheckTag(tagOfGroup(g)); err == nil {
				g, err = s.Accounts.RenameGroup(c.Context(), c.asker, g, in.Title)
			}
		}
		if err != nil {
			return out, err
		}
		return showGroup(g)
	})
}

func (s *Server) removeGroup() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/groups/{group}", ID: "removeGroup", Scope: "groups:write",
		Summary: "Removes a group. Its members lose what it gave them.", Problems: []jsonapi.Outcome{moved},
	}, func(c *call, in removeGroupCall) (none jsonapi.None, err error) {
		g, err := s.Accounts.Store.Group(c.Context(), c.asker.Tenant.ID, in.Group)
		if err == nil {
			err = in.Condition.CheckTag(tagOfGroup(g))
		}
		if err != nil {
			return none, err
		}
		return none, s.Accounts.RemoveGroup(c.Context(), c.asker, g)
	})
}

// listMembersCall is the input of GET /groups/{group}/members.
type listMembersCall struct {
	ofGroup
	pageFields
}

func (s *Server) listMembers() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/groups/{group}/members", ID: "listMembers", Scope: "groups:read",
		Summary: "Lists the members of a group.",
	}, func(c *call, in listMembersCall) (out jsonapi.Page[member], err error) {
		if _, err := s.Accounts.Store.Group(c.Context(), c.asker.Tenant.ID, in.Group); err != nil {
			return out, err
		}
		return page(s, c, in.pageFields, "members of "+in.Group, func(after string, limit int) ([]storage.User, error) {
			return s.Accounts.Store.Members(c.Context(), c.asker.Tenant.ID, in.Group, after, limit)
		}, func(u storage.User) string { return u.ID }, showMember)
	})
}

// memberRoute returns the route of an operation about a user and a group.
func (s *Server) memberRoute(method, id, summary string, do func(c *call, user, group string) error) jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: method, Path: "/groups/{group}/members/{user}", ID: id, Scope: "groups:write", Summary: summary,
		Problems: []jsonapi.Outcome{outranked, wrongFields, moved},
	}, func(c *call, in ofMember) (none jsonapi.None, err error) {
		if _, err := s.Accounts.Store.Group(c.Context(), c.asker.Tenant.ID, in.Group); err != nil {
			return none, err
		}
		u, err := s.target(c, in.User)
		if err != nil {
			return none, err
		}
		return none, do(c, u.ID, in.Group)
	})
}

func (s *Server) addMember() jsonapi.Route {
	return s.memberRoute(http.MethodPut, "addMember", "Makes a user a member of a group.",
		func(c *call, user, group string) error {
			_, err := s.Accounts.Join(c.Context(), c.asker, user, group)
			return err
		})
}

func (s *Server) removeMember() jsonapi.Route {
	return s.memberRoute(http.MethodDelete, "removeMember", "Ends a user's membership in a group.",
		func(c *call, user, group string) error {
			ended, err := s.Accounts.Leave(c.Context(), c.asker, user, group)
			if err == nil && !ended {
				err = storage.ErrNotFound
			}
			return err
		})
}

func (s *Server) listMemberships() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/groups", ID: "listMemberships", Summary: "Lists the groups of a user.",
	}, func(c *call, u storage.User) (whole[membership], error) {
		all, err := s.Accounts.Store.MembershipsOf(c.Context(), u.TenantID, u.ID)
		return wholeOf(all, func(m storage.Membership) membership {
			return membership{m.GroupID, m.Upstream, m.Since}
		}), err
	})
}
