package api

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
)

// resetCall is the input of /auth/reset-password.
type resetCall struct {
	appFields
	authSessionField
	Login string `json:"login" doc:"The email address or username." example:"jo@example.com"`
}

// apiReset returns the route of the call that sends a code for a new password. Its answer is the same whether or not
// there is an account.
func (s *Server) apiReset() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/reset-password", ID: "resetPassword", Status: http.StatusAccepted,
		Summary: "Sends a code for a new password.",
		Text: "`/auth/confirm-reset` takes the code. The response is the same if there is no such account, or if no " +
			"code can be sent to it.",
		Problems: []jsonapi.Outcome{wrongFields, notOffered, wrongSession},
	}, func(a *asking, in resetCall) (flowAnswer, error) {
		if err := offered(s.OffersReset(a.asker)); err != nil {
			return flowAnswer{}, err
		}
		flow, err := s.StartReset(a.Context(), a.asker, in.Login)
		return flowAnswer{flow}, err
	})
}

// newPasswordCall is the input of /auth/confirm-reset.
type newPasswordCall struct {
	appFields
	authSessionField
	codeFields
	Password string `json:"password" secret:"true" doc:"The new password."`
	Scope    string `json:"scope" doc:"As for /auth/sign-in."`
}

// apiConfirmReset returns the route of the call that brings that code back, with the new password.
func (s *Server) apiConfirmReset() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/confirm-reset", ID: "confirmReset",
		Summary: "Sets a new password with the code from the email, and signs the user in with it.",
		Text: "All the user's sessions and tokens end. The response is that of `/auth/sign-in` with the new password. " +
			"Even if it is `second_factor_required`, the new password is set.",
		Problems: []jsonapi.Outcome{wrongCode, wrongFields, factorRequired, noAccess, notOffered, wrongScope, wrongSession},
	}, func(a *asking, in newPasswordCall) (signedInAnswer, error) {
		if err := offered(s.OffersReset(a.asker)); err != nil {
			return signedInAnswer{}, err
		}
		if err := s.Apps.CheckScope(a.app, in.Scope); err != nil {
			return signedInAnswer{}, err
		}
		p, err := in.proof()
		if err != nil {
			return signedInAnswer{}, err
		}
		done, err := s.ConfirmReset(a.Context(), a.asker, p, in.Password)
		if err != nil {
			return signedInAnswer{}, err
		}
		return s.appGoesOn(a, done.User, time.Now(), in.Scope, proofFields{}, "pwd")
	})
}
