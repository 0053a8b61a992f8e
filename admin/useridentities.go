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
