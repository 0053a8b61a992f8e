package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// identity is an account of the user at an upstream provider.
type identity struct {
	ProviderType string    `json:"providerType" doc:"The provider's id, such as google."`
	Subject      string    `json:"subject" doc:"The user's id there."`
	Email        string    `json:"email,omitempty" doc:"The address that the provider told last."`
	LinkedAt     time.Time `json:"linked_at" doc:"When it was linked."`
}

type identitiesAnswer struct {
	Items []identity `json:"items" doc:"The user's accounts at upstream providers."`
}

type listIdentitiesCall struct{ ownSessionField }

// apiListIdentities returns the route of the call that lists what the user can sign in with at upstream providers.
func (s *Server) apiListIdentities() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/list-identities", ID: "listIdentities",
		Summary:  "Lists the accounts at upstream providers with which the user can sign in.",
		Problems: []jsonapi.Outcome{notTheirSession},
	}, func(p *person, _ listIdentitiesCall) (identitiesAnswer, error) {
		out := identitiesAnswer{[]identity{}}
		all, err := s.Identities(p.Context(), p.user)
		for _, i := range all {
			out.Items = append(out.Items, identity{i.Provider, i.Subject, i.Email, i.CreatedAt})
		}
		return out, err
	})
}

type unlinkIdentityCall struct {
	ownSessionField
	ProviderType string `json:"providerType" need:"true" max:"64" doc:"The provider's id."`
	Subject      string `json:"subject" need:"true" max:"1024" doc:"The user's id there, as the list has it."`
}

var noSuchIdentity = jsonapi.Outcome{Status: http.StatusNotFound, Code: "no_such_identity",
	When: "the user has no such account."}

// lastWayIn is the error of a user who would be left without a way to sign in.
var lastWayIn = jsonapi.Outcome{Status: http.StatusConflict, Code: "last_way_in",
	When: "the user would have no way to sign in any more: let the user set a password first."}

// apiUnlinkIdentity returns the route of the call that takes an account at an upstream provider away from the user.
func (s *Server) apiUnlinkIdentity() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/unlink-identity", ID: "unlinkIdentity",
		Summary: "Unlinks an account at an upstream provider, and tells the user by email.",
		Text: "To link one, sign the user in with `providerType`: if the provider vouches for the user's address, or the " +
			"user proves the account, it is linked.",
		Problems: []jsonapi.Outcome{notFresh, notTheirSession, noSuchIdentity, lastWayIn},
	}, func(p *person, in unlinkIdentityCall) (none jsonapi.None, err error) {
		o, err := s.owner(p)
		if err != nil {
			return none, err
		}
		err = s.UnlinkIdentity(p.Context(), p.asker, o, in.ProviderType, in.Subject)
		if errors.Is(err, storage.ErrNotFound) {
			err = &jsonapi.Problem{Status: noSuchIdentity.Status, Code: noSuchIdentity.Code,
				Detail: "The user has no such account."}
		}
		return none, err
	})
}
