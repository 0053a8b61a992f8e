package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// apiKey is an API key of the user.
type apiKey apikeys.Shown

// madeAPIKey is a key that was made just now.
type madeAPIKey struct {
	apiKey
	Key string `json:"key" doc:"The key itself. It is never shown again."`
}

// keyOf returns the answer about a new key.
func keyOf(added apikeys.Added, err error) (madeAPIKey, error) {
	if err != nil {
		return madeAPIKey{}, err
	}
	return madeAPIKey{apiKey(apikeys.ShownOf(added.APIKey)), added.Secret}, nil
}

// keysProblems are the errors of the calls about one key.
var keysProblems = []jsonapi.Outcome{notTheirSession, notOffered, noSuchKey}

var (
	noSuchKey = jsonapi.Outcome{Status: http.StatusNotFound, Code: "no_such_key",
		When: "the user has no key with this id."}
	keyReplaced = jsonapi.Outcome{Status: http.StatusConflict, Code: "replaced", When: "another key replaces it already."}
)

// aboutKey returns err, or the problem noSuchKey.
func aboutKey(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return &jsonapi.Problem{Status: noSuchKey.Status, Code: noSuchKey.Code, Detail: "The user has no such key."}
	}
	return err
}

// keysAnswer is the answer of /auth/list-api-keys.
type keysAnswer struct {
	Items []apiKey `json:"items" doc:"The keys, newest first."`
	// Scopes are what a form for a new key offers.
	Scopes []string `json:"scopes" doc:"The scopes that a new key may have."`
}

// listKeysCall is the input of /auth/list-api-keys.
type listKeysCall struct{ ownSessionField }

// apiListKeys returns the route of the call that lists the keys of the signed-in user.
func (s *Server) apiListKeys() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/list-api-keys", ID: "listApiKeys",
		Summary:  "Lists the user's API keys, and the scopes that a new one may have.",
		Text:     "Keys that have expired are among them for 30 days.",
		Problems: []jsonapi.Outcome{notTheirSession, notOffered},
	}, func(p *person, _ listKeysCall) (out keysAnswer, err error) {
		if err := offered(apikeys.OfUsers(p.asker.Tenant)); err != nil {
			return out, err
		}
		all, err := s.Keys.Of(p.Context(), p.asker, storage.APIKeyOwner{User: &p.user})
		out.Items, out.Scopes = []apiKey{}, apikeys.ScopesOfUser(p.asker.Tenant, &p.user)
		for _, k := range all {
			out.Items = append(out.Items, apiKey(apikeys.ShownOf(k)))
		}
		return out, err
	})
}

// addKeyCall is the input of /auth/add-api-key.
type addKeyCall struct {
	ownSessionField
	Name     string           `json:"name" doc:"What the key is for." example:"Backup script"`
	Scopes   []string         `json:"scopes" doc:"What it may do." example:"[\"openid\"]"`
	Lifetime storage.Duration `json:"lifetime,omitempty" doc:"How long it lives: 90 days when left out, at most what the tenant allows." example:"720h"`
}

// apiAddKey returns the route of the call that adds a key of the signed-in user.
func (s *Server) apiAddKey() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/add-api-key", ID: "addApiKey", Status: http.StatusCreated,
		Summary:  "Gives the user an API key, shows it this once, and tells the user by email.",
		Problems: []jsonapi.Outcome{wrongFields, notFresh, notTheirSession, notOffered},
	}, func(p *person, in addKeyCall) (madeAPIKey, error) {
		o, err := s.owner(p)
		if err != nil {
			return madeAPIKey{}, err
		}
		n := apikeys.New{Name: in.Name, Scopes: in.Scopes, Life: time.Duration(in.Lifetime)}
		return keyOf(s.Keys.AddOfUser(p.Context(), p.asker, o, n))
	})
}

// keyField is the part of the input that names a key.
type keyField struct {
	Key string `json:"key" need:"true" max:"64" doc:"The key's id."`
}

// rotateKeyCall is the input of /auth/rotate-api-key.
type rotateKeyCall struct {
	ownSessionField
	keyField
	Overlap *storage.Duration `json:"overlap,omitempty" doc:"How long the replaced key lives on: 24 hours when left out, at most 30 days." example:"1h"`
}

// apiRotateKey returns the route of the call that replaces a key of the signed-in user.
func (s *Server) apiRotateKey() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/rotate-api-key", ID: "rotateApiKey", Status: http.StatusCreated,
		Summary:  "Replaces an API key by a new one with the same name, scopes and life, and shows it this once.",
		Problems: outcomes([]jsonapi.Outcome{wrongFields, notFresh, keyReplaced}, keysProblems),
	}, func(p *person, in rotateKeyCall) (madeAPIKey, error) {
		o, err := s.owner(p)
		if err != nil {
			return madeAPIKey{}, err
		}
		overlap := time.Duration(-1)
		if in.Overlap != nil {
			overlap = time.Duration(*in.Overlap)
		}
		added, err := s.Keys.RotateOfUser(p.Context(), p.asker, o, in.Key, overlap)
		return keyOf(added, aboutKey(err))
	})
}

// removeKeyCall is the input of /auth/remove-api-key.
type removeKeyCall struct {
	ownSessionField
	keyField
}

// apiRemoveKey returns the route of the call that revokes a key of the signed-in user. It needs no fresh proof, as the
// page needs none.
func (s *Server) apiRemoveKey() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/remove-api-key", ID: "removeApiKey",
		Summary: "Revokes an API key, and tells the user by email.", Problems: keysProblems,
	}, func(p *person, in removeKeyCall) (none jsonapi.None, err error) {
		if err := offered(apikeys.OfUsers(p.asker.Tenant)); err != nil {
			return none, err
		}
		return none, aboutKey(s.Keys.Remove(p.Context(), p.asker, storage.APIKeyOwner{User: &p.user}, in.Key))
	})
}
