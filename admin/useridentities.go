package admin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// identity is a user's account at an upstream provider.
type identity struct {
	Provider  string    `json:"provider" doc:"The id of the upstream provider."`
	Subject   string    `json:"subject" doc:"The user's id there."`
	Email     string    `json:"email,omitempty" doc:"The address there, when it was linked."`
	CreatedAt time.Time `json:"created_at" doc:"When it was linked."`
}

func shownIdentity(i storage.Identity) identity {
	return identity{i.Provider, i.Subject, i.Email, i.CreatedAt}
}

func (s *Server) listIdentities() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/identities", ID: "listIdentities", Summary: "Lists a user's accounts at upstream providers.",
	}, func(c *call, u storage.User) (whole[identity], error) {
		all, err := s.People.Identities(c.Context(), u)
		return wholeOf(all, shownIdentity), err
	})
}

// ofIdentity is the input of an operation about one linked account.
type ofIdentity struct {
	ofUser
	Provider string `path:"provider" max:"64" doc:"The id of the upstream provider."`
	Subject  string `path:"subject" max:"1024" doc:"The user's id there."`
}

func (s *Server) unlinkIdentity() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}/identities/{provider}/{subject}", ID: "unlinkIdentity",
		Summary: "Unlinks a user's account at an upstream provider.",
	}, func(c *call, u storage.User, in ofIdentity) error {
		return s.Accounts.Unlink(c.Context(), c.asker, u.ID, in.Provider, in.Subject)
	})
}

// inviteCall is the input of POST /invitations.
type inviteCall struct {
	Email string `json:"email" need:"true" max:"320" doc:"The address to invite." example:"jo@example.org"`
}

// invitation is an invitation that was made.
type invitation struct {
	Email     string    `json:"email" doc:"The address."`
	Link      string    `json:"link,omitempty" doc:"The link, which makes an account, once. It is in the email, too, and never shown again."`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when it works."`
}

func (s *Server) invite() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/invitations", ID: "invite", Scope: "users:write", Status: http.StatusCreated,
		Summary: "Invites the owner of an email address to make an account.",
		Problems: []jsonapi.Outcome{wrongFields, notJSON, tooLarge,
			{Status: http.StatusConflict, Code: "exists", When: "the address has an account."},
			{Status: http.StatusConflict, Code: "sign_up_closed", When: "the tenant lets no one make an account."}},
	}, func(c *call, in inviteCall) (invitation, error) {
		made, err := s.People.Invite(c.Context(), c.asker, in.Email)
		return invitation{in.Email, made.Link, made.ExpiresAt}, err
	})
}
