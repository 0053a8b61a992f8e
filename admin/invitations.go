package admin

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
)

// roleOf names a role of a client or an API.
type roleOf struct {
	Client string `json:"client,omitempty" max:"255" doc:"The client's id; or api is there."`
	API    string `json:"api,omitempty" max:"255" doc:"The API's identifier; or client is there."`
	Name   string `json:"name" need:"true" max:"100" doc:"The role's name."`
}

// invitationFields are what administrators say of an invitation.
type invitationFields struct {
	Email      string          `json:"email" need:"true" max:"320" doc:"The address to invite." example:"jo@example.org"`
	Groups     []string        `json:"groups,omitempty" max:"63" doc:"Ids of groups that the user will be a member of. They take the scope groups:write."`
	Roles      []roleOf        `json:"roles,omitempty" doc:"Roles that the user will have. They take the scope groups:write."`
	Attributes json.RawMessage `json:"attributes,omitempty" doc:"The values of the tenant's attributes, by name."`
	AdminRole  string          `json:"admin_role,omitempty" enum:"owner,admin,support,auditor" doc:"The role of the administrator that the user becomes. It takes the scope administrators:write, of the inviter also when the invitation is accepted."`
	Language   string          `json:"language,omitempty" enum:"en,de,es,fr,pt,ru" doc:"The language of the email; that of Accept-Language when left out."`
}

// inviteCall is the input of POST /invitations.
type inviteCall struct {
	invitationFields
	Lifetime storage.Duration `json:"lifetime,omitempty" doc:"How long it can be accepted: 7 days when left out, at most 30." example:"72h"`
}

// invitation is an invitation as the API shows one.
type invitation struct {
	ID string `json:"id" doc:"The id. Sending it again keeps it."`
	invitationFields
	Link   string           `json:"link,omitempty" doc:"The link, which makes an account, once. It is in the email, too, and never shown again."`
	Status invitationStatus `json:"status" doc:"What is computed."`
}

// invitationStatus is what is computed about an invitation.
type invitationStatus struct {
	InvitedBy string    `json:"invited_by,omitempty" doc:"The id of the user or the client who invited, or sent it again; cli for a command."`
	SentAt    time.Time `json:"sent_at" doc:"When it was sent last."`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when it can be accepted."`
}

func showInvitation(i invitations.Invitation) (out invitation, err error) {
	out = invitation{i.ID, invitationFields{Email: i.Email, Groups: i.Groups, AdminRole: i.AdminRole,
		Language: i.Language}, i.Link, invitationStatus{i.By, i.SentAt, i.ExpiresAt}}
	for _, r := range i.Roles {
		out.Roles = append(out.Roles, roleOf(r))
	}
	if len(i.Attributes) > 0 {
		out.Attributes, err = json.Marshal(i.Attributes)
	}
	return out, err
}

// ofInvitation is the input of an operation about one invitation.
type ofInvitation struct {
	Invitation string `path:"invitation" max:"64" doc:"The invitation's id."`
}

// Problems of invitations.
var invitationProblems = []jsonapi.Outcome{
	{Status: http.StatusConflict, Code: "exists", When: "the address has an account."},
	{Status: http.StatusConflict, Code: "sign_up_closed", When: "the tenant lets no one make an account."},
}

func (s *Server) invitationRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		s.listInvitations(), s.invite(), s.getInvitation(), s.resendInvitation(), s.withdrawInvitation(),
	}
}

// listInvitationsCall is the input of GET /invitations.
type listInvitationsCall struct {
	pageFields
	Email string `query:"email" max:"320" doc:"Only the invitation of this address."`
}

func (s *Server) listInvitations() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/invitations", ID: "listInvitations", Scope: "users:read",
		Summary: "Lists the invitations that wait to be accepted, by address.",
	}, func(c *call, in listInvitationsCall) (out jsonapi.Page[invitation], err error) {
		if in.Email == "" {
			return page(s, c, in.pageFields, "invitations", func(after string, limit int) ([]invitations.Invitation, error) {
				return s.invitations.List(c.Context(), c.asker, after, limit)
			}, invitations.Invitation.Key, showInvitation)
		}
		i, err := s.invitations.FindFor(c.Context(), c.asker, in.Email)
		if isNotFound(err) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		one, err := showInvitation(i)
		out.Items = []invitation{one}
		return out, err
	})
}

func (s *Server) invite() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/invitations", ID: "invite", Scope: "users:write", Status: http.StatusCreated,
		Summary: "Invites the owner of an email address to make an account.",
		Text: "An invitation that waits for the address is replaced. When it is accepted, groups, roles and attributes " +
			"that don't exist any more are left out, and so are groups and roles if the inviter may not give them any " +
			"more. An invitation does nothing any more if its inviter may not add users.",
		Problems: append([]jsonapi.Outcome{wrongFields, notJSON}, invitationProblems...),
	}, func(c *call, in inviteCall) (out invitation, err error) {
		w := invitations.Wanted{Email: in.Email, Groups: in.Groups, Life: time.Duration(in.Lifetime),
			AdminRole: in.AdminRole}
		if w.AdminRole != "" {
			if err := c.needs("administrators:write"); err != nil {
				return out, err
			}
		}
		for _, r := range in.Roles {
			if (r.Client == "") == (r.API == "") {
				return out, invalid(jsonapi.FieldFault("roles", "invalid", "Each role has either client or api."))
			}
			w.Roles = append(w.Roles, storage.RoleName(r))
		}
		if len(w.Groups)+len(w.Roles) > 0 {
			if err := c.needs("groups:write"); err != nil {
				return out, err
			}
		}
		_ = json.Unmarshal(in.Attributes, &w.Attributes) // it is an object, or empty
		asker := c.asker
		asker.Language = cmp.Or(in.Language, asker.Language)
		i, err := s.invitations.Invite(c.Context(), asker, w)
		if err != nil {
			return out, err
		}
		return showInvitation(i)
	})
}

func (s *Server) getInvitation() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/invitations/{invitation}", ID: "getInvitation", Scope: "users:read",
		Summary: "Returns an invitation that waits to be accepted.", Text: "Its link is not shown.",
	}, func(c *call, in ofInvitation) (out invitation, err error) {
		i, err := s.invitations.Find(c.Context(), c.asker, in.Invitation)
		if err != nil {
			return out, err
		}
		return showInvitation(i)
	})
}

func (s *Server) resendInvitation() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/invitations/{invitation}:resend", ID: "resendInvitation", Scope: "users:write",
		Summary: "Sends an invitation once more, with another link.",
		Text: "The former link does nothing any more. The time begins anew, and the caller is the inviter from now on: an " +
			"invitation with groups or roles takes the scope groups:write.",
		Problems: invitationProblems,
	}, func(c *call, in ofInvitation) (out invitation, err error) {
		i, err := s.invitations.Find(c.Context(), c.asker, in.Invitation)
		if err == nil && i.Gives() {
			err = c.needs("groups:write")
		}
		if err != nil {
			return out, err
		}
		if i, err = s.invitations.Resend(c.Context(), c.asker, i); err != nil {
			return out, err
		}
		return showInvitation(i)
	})
}

func (s *Server) withdrawInvitation() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/invitations/{invitation}", ID: "withdrawInvitation", Scope: "users:write",
		Summary: "Withdraws an invitation: its link does nothing any more.",
	}, func(c *call, in ofInvitation) (none jsonapi.None, err error) {
		i, err := s.invitations.Find(c.Context(), c.asker, in.Invitation)
		if err != nil {
			return none, err
		}
		return none, s.invitations.Withdraw(c.Context(), c.asker, i)
	})
}
