package api

import (
	"encoding/json"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// passkeyCall is the input of /auth/passkey-options.
type passkeyCall struct {
	appFields
	authSessionField
}

// passkeyAnswer has the options for the app's platform, and what the app sends back with the result.
type passkeyAnswer struct {
	Options     json.RawMessage `json:"options" doc:"PublicKeyCredentialRequestOptionsJSON (WebAuthn)."`
	State       string          `json:"state" doc:"Send it back with the result."`
	AuthSession string          `json:"auth_session" doc:"Send it back with the result: the options are bound to it."`
}

// apiPasskey returns the route of the call that returns the challenge for a passkey.
func (s *Server) apiPasskey() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/passkey-options", ID: "passkeyOptions",
		Summary: "Returns the options for a passkey: to sign in, or as the second factor of a sign-in under way.",
		Text: "Give `options` to `navigator.credentials.get`, or to its equivalent on your platform. Send its result " +
			"and `state` as `passkey` to `/auth/sign-in`. Passkeys belong to the issuer's host name.",
		Problems: []jsonapi.Outcome{notOffered, wrongPasskey, wrongSession},
	}, func(a *asking, _ passkeyCall) (out passkeyAnswer, err error) {
		c, err := s.appChallenge(a)
		if err != nil {
			return out, err
		}
		out.Options, out.State = c.Options, c.State
		out.AuthSession, err = a.kept.seal(s, a.Request)
		return out, err
	})
}

// appChallenge returns a challenge that is bound to the app's auth_session: for a passkey of the user whose
// sign-in waits for a second factor or, if none does, of any user.
func (s *Server) appChallenge(a *asking) (passkey.Challenge, error) {
	if err := offered(s.OffersPasskeys(a.asker)); err != nil {
		return passkey.Challenge{}, err
	}
	purpose, user := passkey.SignIn, (*storage.User)(nil)
	if a.asker.Kept.Pending != "" {
		c, err := s.appPending(a)
		if err != nil {
			return passkey.Challenge{}, err
		}
		purpose, user = passkey.Factor, &c.User
	}
	return s.StartPasskey(a.Context(), a.asker, purpose, a.kept.ID, user)
}
