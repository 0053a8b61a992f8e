package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// apiKey is an API key as the API shows one.
type apiKey apikeys.Shown

func shownAPIKey(k storage.APIKey) apiKey { return apiKey(apikeys.ShownOf(k)) }

// madeAPIKey is a key that was made just now.
type madeAPIKey struct {
	apiKey
	Key string `json:"key" doc:"The key itself. It is never shown again."`
}

func shownAdded(k apikeys.Added) madeAPIKey { return madeAPIKey{shownAPIKey(k.APIKey), k.Secret} }

func (s *Server) apiKeyRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		s.listClientKeys(), s.addClientKey(), s.rotateClientKey(), s.removeClientKey(), s.listUserKeys(), s.removeUserKey(),
	}
}

func (s *Server) listClientKeys() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/clients/{client}/api-keys", ID: "listClientKeys", Scope: "clients:read",
		Summary: "Lists a client's API keys, newest first.",
	}, func(c *call, in ofClient) (out whole[apiKey], err error) {
		found, err := s.Store.Client(c.Context(), c.asker.Tenant.ID, in.Client)
		if err != nil {
			return out, err
		}
		all, err := s.apiKeys.Of(c.Context(), c.asker, storage.APIKeyOwner{Client: &found})
		return wholeOf(all, shownAPIKey), err
	})
}

// addClientKeyCall is the input of POST /clients/{client}/api-keys.
type addClientKeyCall struct {
	ofClient
	Name     string           `json:"name" need:"true" doc:"What the key is for." example:"billing service"`
	Scopes   []string         `json:"scopes" need:"true" doc:"What it may do: scopes that the client has." example:"[\"orders:read\"]"`
	Lifetime storage.Duration `json:"lifetime,omitempty" doc:"How long it lives: 90 days when left out, at most what the tenant allows." example:"720h"`
}

func (s *Server) addClientKey() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/clients/{client}/api-keys", ID: "addClientKey", Scope: "clients:write",
		Status: http.StatusCreated, Summary: "Gives a client an API key, and shows it this once.",
		Problems: []jsonapi.Outcome{beyond, wrongFields, notJSON},
	}, func(c *call, in addClientKeyCall) (out madeAPIKey, err error) {
		owner, err := s.managed(c, in.Client)
		if err != nil {
			return out, err
		}
		added, err := s.apiKeys.AddOfClient(c.Context(), c.asker, owner,
			apikeys.New{Name: in.Name, Scopes: in.Scopes, Life: time.Duration(in.Lifetime)})
		return shownAdded(added), err
	})
}

// ofClientKey is the input of an operation about one key of a client.
type ofClientKey struct {
	ofClient
	Key string `path:"key" max:"64" doc:"The key's id."`
}

// rotateClientKeyCall is the input of POST /clients/{client}/api-keys/{key}/rotation.
type rotateClientKeyCall struct {
	ofClientKey
	Overlap *storage.Duration `json:"overlap,omitempty" doc:"How long the replaced key lives on: 24 hours when left out, at most 30 days." example:"1h"`
}

func (s *Server) rotateClientKey() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/clients/{client}/api-keys/{key}/rotation", ID: "rotateClientKey",
		Scope: "clients:write", Status: http.StatusCreated,
		Summary: "Replaces an API key by a new one with the same name, scopes and life, and shows it this once.",
		Text:    "The replaced key lives on for a while. A key can be replaced once.",
		Problems: []jsonapi.Outcome{beyond, wrongFields, notJSON, {Status: http.StatusConflict, Code: "replaced",
			When: "another key replaces it already."}},
	}, func(c *call, in rotateClientKeyCall) (out madeAPIKey, err error) {
		owner, err := s.managed(c, in.Client)
		if err != nil {
			return out, err
		}
		overlap := time.Duration(-1)
		if in.Overlap != nil {
			overlap = time.Duration(*in.Overlap)
		}
		added, err := s.apiKeys.RotateOfClient(c.Context(), c.asker, owner, in.Key, overlap)
		if errors.Is(err, apikeys.ErrReplaced) {
			err = &jsonapi.Problem{Status: http.StatusConflict, Code: "replaced", Detail: "Another key replaces it already."}
		}
		return shownAdded(added), err
	})
}

func (s *Server) removeClientKey() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/clients/{client}/api-keys/{key}", ID: "removeClientKey", Scope: "clients:write",
		Summary: "Revokes an API key of a client.", Problems: []jsonapi.Outcome{beyond},
	}, func(c *call, in ofClientKey) (none jsonapi.None, err error) {
		owner, err := s.managed(c, in.Client)
		if err != nil {
			return none, err
		}
		return none, s.apiKeys.Remove(c.Context(), c.asker, storage.APIKeyOwner{Client: &owner}, in.Key)
	})
}

func (s *Server) listUserKeys() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/api-keys", ID: "listUserKeys", Summary: "Lists a user's API keys, newest first.",
		Text: "No administrator can make one: with it, they could act as the user.",
	}, func(c *call, u storage.User) (whole[apiKey], error) {
		all, err := s.apiKeys.Of(c.Context(), c.asker, storage.APIKeyOwner{User: &u})
		return wholeOf(all, shownAPIKey), err
	})
}

// ofUserKey is the input of an operation about one key of a user.
type ofUserKey struct {
	ofUser
	Key string `path:"key" max:"64" doc:"The key's id."`
}

func (s *Server) removeUserKey() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}/api-keys/{key}", ID: "removeUserKey",
		Summary: "Revokes an API key of a user, and tells the user by email.",
	}, func(c *call, u storage.User, in ofUserKey) error {
		return s.apiKeys.Remove(c.Context(), c.asker, storage.APIKeyOwner{User: &u}, in.Key)
	})
}
