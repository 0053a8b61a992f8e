package admin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// key is a signing key as the API shows one.
type key struct {
	ID         string     `json:"kid" doc:"The id."`
	Algorithm  string     `json:"alg" doc:"The algorithm: ES256, RS256 or EdDSA."`
	State      string     `json:"state" doc:"What the key does now."`
	ActiveAt   time.Time  `json:"active_at" doc:"From when it signs."`
	SignsUntil *time.Time `json:"signs_until,omitempty" doc:"Until when it signs. It is missing if it never does."`
	ExpiresAt  *time.Time `json:"expires_at,omitempty" doc:"Until when it is published. It is missing while there is no successor."`
}

func shownKey(u keys.Use) key {
	k := key{ID: u.ID, Algorithm: u.Algorithm, State: string(u.State), ActiveAt: u.ActiveAt}
	if !u.SignsUntil.Before(u.ActiveAt) {
		k.SignsUntil = &u.SignsUntil
	}
	if !u.ExpiresAt.IsZero() {
		k.ExpiresAt = &u.ExpiresAt
	}
	return k
}

// listed returns the tenant's keys as the API shows them.
func (s *Server) listed(c *call) (whole[key], error) {
	stored, err := s.Store.Keys(c.Context(), c.asker.Tenant.ID, time.Time{})
	return wholeOf(s.Keys.Uses(stored, time.Now()), shownKey), err
}

// rotateCall is the input of POST /keys:rotate.
type rotateCall struct {
	Algorithm string `json:"alg,omitempty" enum:"ES256,RS256,EdDSA" doc:"Only this algorithm; all that are in use when left out."`
	Now       bool   `json:"now,omitempty" doc:"Sign with the new keys at once, because an old one may have leaked. Otherwise they are published first, so that all clients have fetched them."`
}

func (s *Server) keyRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		handle(s, jsonapi.Operation{
			Method: http.MethodGet, Path: "/keys", ID: "listKeys", Scope: "keys:read", Summary: "Lists the signing keys.",
		}, func(c *call, _ jsonapi.None) (whole[key], error) { return s.listed(c) }),
		handle(s, jsonapi.Operation{
			Method: http.MethodPost, Path: "/keys:rotate", ID: "rotateKeys", Scope: "keys:write",
			Summary:  "Makes new signing keys, and returns all.",
			Text:     "Servers rotate keys on their own, too. What the old keys signed stays valid.",
			Problems: []jsonapi.Outcome{notJSON, tooLarge},
		}, func(c *call, in rotateCall) (out whole[key], err error) {
			algs := []string{in.Algorithm}
			if in.Algorithm == "" {
				if algs, err = s.Keys.Algorithms(c.Context(), c.asker.Tenant.ID); err != nil {
					return out, err
				}
			}
			if _, err := s.Keys.Rotate(c.Context(), c.asker.Tenant.ID, algs, in.Now, c.asker.Event); err != nil {
				return out, err
			}
			return s.listed(c)
		}),
		handle(s, jsonapi.Operation{
			Method: http.MethodDelete, Path: "/keys/{kid}", ID: "removeKey", Scope: "keys:write",
			Summary: "Removes a signing key. All tokens that it signed are refused at once.",
		}, func(c *call, in ofKey) (jsonapi.None, error) {
			e := c.asker.Event(storage.Event{Kind: storage.EventKeyRemoved, Detail: map[string]string{"kid": in.Key}})
			return jsonapi.None{}, s.Store.RemoveKey(c.Context(), c.asker.Tenant.ID, in.Key, e)
		}),
	}
}

// ofKey is the input of an operation about one key.
type ofKey struct {
	Key string `path:"kid" max:"128" doc:"The key's id."`
}
