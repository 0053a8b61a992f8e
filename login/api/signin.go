package api

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signInCall is the input of /auth/sign-in.
type signInCall struct {
	appFields
	authSessionField
	upstreamFields
	proofFields
	ACR   string `json:"acr_values" doc:"How strong the sign-in has to be (RFC 9470), such as urn:vouchsafe:acr:mfa."`
	Scope string `json:"scope" doc:"Scopes, separated by spaces. The default is every scope that the client is registered for, except offline_access." example:"openid profile"`
}

// apiSignIn returns the route of the call that signs a user in, by any method or by what was missing in the last call.
func (s *Server) apiSignIn() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/sign-in", ID: "signIn",
		Summary: "Signs a user in.",
		Text: "Send one of these: `login` and `password`; `flow` and `code`, or `token`, from `/auth/send-code`; " +
			"`passkey`, from `/auth/passkey-options`; or `providerType` with a token from an upstream provider.",
		Problems: []jsonapi.Outcome{wrongCredentials, wrongCode, wrongPasskey, factorRequired, passwordExpired, noAccess,
			wrongFields, upstreamRefused, emailUnconfirmed, accountExists, notAdmitted, notOffered, wrongScope, wrongSession},
	}, func(a *asking, in signInCall) (signedInAnswer, error) {
		if err := s.Apps.CheckScope(a.app, in.Scope); err != nil {
			return signedInAnswer{}, err
		}
		a.in = a.interaction()
		for acr := range strings.FieldsSeq(in.ACR) {
			if a.in.ACR = storage.StrongerACR("", acr); a.in.ACR != "" {
				break
			}
		}
		if in.elsewhere() {
			ar, err := s.Federation.SignInByToken(a.Context(), a.asker, in.ProviderType, in.token())
			if err != nil {
				return signedInAnswer{}, upstreamProblem(err)
			}
			return s.appGoesOn(a, ar.User, ar.Since, in.Scope, in.proofFields, ar.AMR...)
		}
		sess, err := s.appProve(a, in.proofFields)
		if err != nil {
			return signedInAnswer{}, err
		}
		return s.appAnswer(a, sess, in.Scope)
	})
}

// refreshCall is the input of /auth/refresh-tokens.
type refreshCall struct {
	appFields
	RefreshToken string `json:"refresh_token" need:"true" secret:"true" doc:"The refresh token. The one in the response replaces it."`
	Scope        string `json:"scope" doc:"Fewer scopes, for these tokens only."`
}

// apiRefresh returns the route of the call that returns new tokens for a refresh token.
func (s *Server) apiRefresh() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/refresh-tokens", ID: "refreshTokens",
		Summary: "Returns new tokens for a refresh token.",
		Text: "The same as `/token` with `grant_type=refresh_token`. A refresh token works once; a later second " +
			"use ends its grant.",
		Problems: []jsonapi.Outcome{
			{Status: http.StatusBadRequest, Code: "invalid_grant",
				When: "the token is unknown, used, expired or revoked, or the user has signed out, changed the " +
					"password or lost access to the client: sign in again."},
			{Status: http.StatusBadRequest, Code: "invalid_dpop_proof",
				When: "the refresh token is bound to a key: refresh it at /token, with a proof (RFC 9449)."},
			noAccess,
			wrongScope,
		},
	}, func(a *asking, in refreshCall) (storage.Tokens, error) {
		return s.Apps.Refresh(a.Context(), a.app, in.RefreshToken, in.Scope)
	})
}

// logoutCall is the input of /auth/logout.
type logoutCall struct {
	appFields
	Token string `json:"token" need:"true" secret:"true" max:"8192" doc:"The refresh token or the access token: either one will do."`
}

// apiLogout returns the route of the call that ends the session of a token.
func (s *Server) apiLogout() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/logout", ID: "logout",
		Summary: "Signs the user out: ends the token's session and all tokens of that session.",
		Text: "The response is the same for a token that is unknown, expired or another client's (RFC 7009). An API " +
			"that verifies access tokens itself accepts them until they expire; one that asks `/introspect` does not.",
	}, func(a *asking, in logoutCall) (jsonapi.None, error) {
		return jsonapi.None{}, s.Apps.SignOut(a.Context(), a.app, in.Token)
	})
}
