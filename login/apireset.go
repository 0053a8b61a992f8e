package login

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
)

// resetCall is what an app sends for somebody who forgot their password.
type resetCall struct {
	appFields
	authSessionField
	Login string `json:"login" doc:"E-mail address or user name." example:"jo@example.com"`
}

func (s *Server) apiReset() apiRoute {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/reset-password", ID: "resetPassword", Status: http.StatusAccepted,
		Summary:  "Sends a code for a new password.",
		Text:     "For `/auth/confirm-reset`. The answer is the same when there is no such account, or none that a code can be sent to.",
		Problems: []jsonapi.Outcome{wrongFields, notOffered, wrongSession},
	}, func(a *asking, in resetCall) (flowAnswer, error) {
		if err := offered(s.resets(a.Request)); err != nil {
			return flowAnswer{}, err
		}
		flow, err := s.startReset(a.Request, in.Login)
		return flowAnswer{flow}, err
	})
}

// newPasswordCall is what an app sends when the person has the code.
type newPasswordCall struct {
	appFields
	authSessionField
	codeFields
	Password string `json:"password" secret:"true" doc:"The new password."`
	Scope    string `json:"scope" doc:"As for /auth/sign-in."`
}

func (s *Server) apiConfirmReset() apiRoute {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/confirm-reset", ID: "confirmReset",
		Summary:  "Sets a new password with the code that was mailed, and signs in with it.",
		Text:     "All sessions and tokens of the person end. The answer is that of `/auth/sign-in` with the new password: with second_factor_required it is set all the same.",
		Problems: []jsonapi.Outcome{wrongCode, wrongFields, factorRequired, notOffered, wrongScope, wrongSession},
	}, func(a *asking, in newPasswordCall) (signedInAnswer, error) {
		if err := offered(s.resets(a.Request)); err != nil {
			return signedInAnswer{}, err
		}
		if err := s.Apps.CheckScope(a.app, in.Scope); err != nil {
			return signedInAnswer{}, err
		}
		p, err := in.proof()
		if err != nil {
			return signedInAnswer{}, err
		}
		user, err := s.confirmReset(a.Request, p, in.Password)
		if err != nil {
			return signedInAnswer{}, err
		}
		return s.appGoesOn(a, user, time.Now(), in.Scope, proofFields{}, "pwd")
	})
}
