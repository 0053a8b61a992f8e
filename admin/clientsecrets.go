package admin

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
)

// clientSecret is a secret of a client, without the secret itself.
type clientSecret struct {
	ID string `json:"id" doc:"The id, by which it is removed."`
}

// madeSecret is a secret that was made just now.
type madeSecret struct {
	ID     string `json:"id" doc:"The id, by which it is removed."`
	Secret string `json:"client_secret,omitempty" doc:"The secret. It is never shown again."`
}

func (s *Server) listSecrets() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/clients/{client}/secrets", ID: "listSecrets", Scope: "clients:read",
		Summary: "Lists the ids of a client's secrets, oldest first.",
	}, func(c *call, in ofClient) (out whole[clientSecret], err error) {
		found, err := s.Store.Client(c.Context(), c.asker.Tenant.ID, in.Client)
		return wholeOf(found.SecretHashes, func(hash string) clientSecret { return clientSecret{clients.SecretID(hash)} }),
			err
	})
}

func (s *Server) addSecret() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/clients/{client}/secrets", ID: "addSecret", Scope: "clients:write",
		Status: http.StatusCreated, Summary: "Gives a client one more secret, and shows it this once.",
		Text: "The other secrets stay valid until you remove them, so that the client can be moved to the new one.",
		Problems: []jsonapi.Outcome{beyond, moved, {Status: http.StatusConflict, Code: "no_secret",
			When: "the client authenticates in another way, or has as many secrets as it may."}},
	}, func(c *call, in ofClient) (out madeSecret, err error) {
		was, err := s.managed(c, in.Client)
		if err != nil {
			return out, err
		}
		out.Secret, out.ID, err = clients.AddSecret(c.Context(), s.Store, was, c.asker.Event)
		if errors.Is(err, clients.ErrNoSecret) {
			err = &jsonapi.Problem{Status: http.StatusConflict, Code: "no_secret", Detail: sentence(err)}
		}
		return out, err
	})
}

// ofSecret is the input of an operation about one secret.
type ofSecret struct {
	ofClient
	Secret string `path:"secret" max:"64" doc:"The secret's id."`
}

func (s *Server) removeSecret() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/clients/{client}/secrets/{secret}", ID: "removeSecret", Scope: "clients:write",
		Summary: "Removes a secret of a client. It is refused from the next second on.",
		Problems: []jsonapi.Outcome{beyond, moved, {Status: http.StatusConflict, Code: "last_secret",
			When: "it is the only one."}},
	}, func(c *call, in ofSecret) (none jsonapi.None, err error) {
		was, err := s.managed(c, in.Client)
		if err != nil {
			return none, err
		}
		err = clients.RemoveSecret(c.Context(), s.Store, was, in.Secret, c.asker.Event)
		if errors.Is(err, clients.ErrLastSecret) {
			err = &jsonapi.Problem{Status: http.StatusConflict, Code: "last_secret", Detail: sentence(err)}
		}
		return none, err
	})
}
