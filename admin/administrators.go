package admin

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// adminRole is the input of PUT /administrators/{user}.
type adminRole struct {
	ofUser
	Role string `json:"role" need:"true" enum:"owner,admin,support,auditor" doc:"The role."`
}

// administrator is an administrator as the API shows one.
type administrator struct {
	ID       string   `json:"id" doc:"The user's id."`
	Email    string   `json:"email,omitempty" doc:"The user's address."`
	Username string   `json:"username,omitempty" doc:"The username."`
	Role     string   `json:"role" doc:"owner, admin, support or auditor."`
	Scopes   []string `json:"scopes" doc:"What the role allows."`
	Disabled bool     `json:"disabled,omitempty" doc:"The user can't sign in."`
}

func shownAdministrator(u storage.User) (administrator, error) {
	scopes := administration.ScopesOf(u.TenantID, u.AdminRole)
	return administrator{u.ID, u.Email, u.Username, u.AdminRole, scopes, u.Disabled}, nil
}

func (s *Server) administratorRoutes() []jsonapi.Route {
	none := ""
	return []jsonapi.Route{
		handle(s, jsonapi.Operation{
			Method: http.MethodGet, Path: "/administrators", ID: "listAdministrators", Scope: "administrators:read",
			Summary: "Lists the tenant's administrators.",
		}, func(c *call, in pageFields) (jsonapi.Page[administrator], error) {
			return page(s, c, in, "administrators", func(after string, limit int) ([]storage.User, error) {
				return s.Accounts.Administrators(c.Context(), c.asker, after, limit)
			}, func(u storage.User) string { return u.ID }, shownAdministrator)
		}),
		handle(s, jsonapi.Operation{
			Method: http.MethodPut, Path: "/administrators/{user}", ID: "setAdministrator", Scope: "administrators:write",
			Summary: "Makes a user an administrator, or gives an administrator another role.",
			Text: "An owner may do everything; admin everything but naming administrators, changing upstream providers " +
				"and keys, and managing other tenants; support helps users; auditor reads. The last owner keeps the role.",
			Problems: []jsonapi.Outcome{lastOwner, notJSON, tooLarge},
		}, func(c *call, in adminRole) (administrator, error) { return s.setRole(c, in.User, in.Role) }),
		handle(s, jsonapi.Operation{
			Method: http.MethodDelete, Path: "/administrators/{user}", ID: "removeAdministrator",
			Scope: "administrators:write", Summary: "Takes the role from an administrator. The user stays.",
			Problems: []jsonapi.Outcome{lastOwner},
		}, func(c *call, in ofUser) (jsonapi.None, error) {
			u, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, in.User)
			if err == nil && u.AdminRole == none {
				err = storage.ErrNotFound
			}
			if err == nil {
				_, err = s.setRole(c, in.User, none)
			}
			return jsonapi.None{}, err
		}),
	}
}

// setRole gives a user the role of an administrator.
func (s *Server) setRole(c *call, id, role string) (administrator, error) {
	err := s.Accounts.SetRole(c.Context(), c.asker, id, role)
	if errors.Is(err, administration.ErrNoRole) {
		return administrator{}, jsonapi.Faulty(jsonapi.FieldFault("role", "invalid", sentence(err)))
	}
	if err != nil {
		return administrator{}, err
	}
	u, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, id)
	if err != nil {
		return administrator{}, err
	}
	return shownAdministrator(u)
}
