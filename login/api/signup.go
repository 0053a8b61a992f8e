package api

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signUpCall is the input of /auth/sign-up.
type signUpCall struct {
	appFields
	authSessionField
	upstreamFields
	Email    string `json:"email" doc:"The user's email address." example:"jo@example.com" format:"email"`
	Username string `json:"username" doc:"A username, if the tenant asks for one."`
	Password string `json:"password" secret:"true" doc:"A password, if the tenant's users have passwords."`
}

// apiSignUp returns the route of the call that registers a user and sends a code. Its answer is the same whether or
// not there is an account.
func (s *Server) apiSignUp() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/sign-up", ID: "signUp", Status: http.StatusAccepted,
		Summary: "Begins a registration, which the user completes by confirming the address.",
		Text: "`/auth/confirm-email` takes the code that is sent to the address. The response is the same if the " +
			"address already has an account; its owner then gets an email that says so.",
		Problems: []jsonapi.Outcome{wrongFields, noSignUp, upstreamRefused, accountExists, notAdmitted,
			notOffered, wrongSession},
	}, func(a *asking, in signUpCall) (flowAnswer, error) {
		if in.elsewhere() {
			flow, err := s.Federation.SignUpByToken(a.Context(), a.asker, in.ProviderType, in.token(), in.Email)
			return flowAnswer{flow}, upstreamProblem(err)
		}
		flow, err := s.StartSignUp(a.Context(), a.asker,
			people.SignUp{Email: in.Email, Username: in.Username, Password: in.Password}, "")
		return flowAnswer{flow}, err
	})
}

// invitedCall is the input of /auth/accept-invitation.
type invitedCall struct {
	appFields
	authSessionField
	Invitation string `json:"invitation" need:"true" secret:"true" max:"128" doc:"The value of invitation in the link of the invitation."`
	Username   string `json:"username" doc:"A username, if the tenant asks for one."`
	Password   string `json:"password" secret:"true" doc:"A password, if the tenant's users have passwords."`
	Scope      string `json:"scope" doc:"As for /auth/sign-in."`
}

// apiInvited returns the route of the call that registers a user who was invited.
func (s *Server) apiInvited() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/accept-invitation", ID: "acceptInvitation",
		Summary: "Registers an invited user, and signs the user in.",
		Problems: []jsonapi.Outcome{wrongFields, invitationGone, accountExists, factorRequired, noAccess, noSignUp,
			wrongScope, wrongSession},
	}, func(a *asking, in invitedCall) (signedInAnswer, error) {
		if err := s.Apps.CheckScope(a.app, in.Scope); err != nil {
			return signedInAnswer{}, err
		}
		user, err := s.invitations.Accept(a.Context(), a.asker, in.Invitation,
			people.SignUp{Username: in.Username, Password: in.Password})
		if err != nil {
			return signedInAnswer{}, err
		}
		return s.appRegistered(a, user, in.Scope)
	})
}

// sendCodeCall is the input of /auth/send-code: to have a code sent once more, or to sign in.
type sendCodeCall struct {
	appFields
	authSessionField
	Flow    string `json:"flow" secret:"true" max:"64" doc:"To get a new code for one that did not arrive: the flow from the call that sent it."`
	Login   string `json:"login" doc:"To sign in with a code: the user's email address, username or phone number." example:"jo@example.com"`
	Channel string `json:"channel" enum:"email,phone" doc:"Where to send that code."`
}

// apiSendCode returns the route of the call that sends a code to sign in.
func (s *Server) apiSendCode() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/send-code", ID: "sendCode", Status: http.StatusAccepted,
		Summary: "Sends a code for signing in, or a new code for one that did not arrive.",
		Text: "With `flow`, the previous code stops working, and the response has a new flow. Codes that other apps " +
			"requested keep working. The response is the same if there is no such account.",
		Problems: []jsonapi.Outcome{wrongCode, wrongFields, notOffered, wrongSession},
	}, func(a *asking, in sendCodeCall) (flowAnswer, error) {
		if in.Flow != "" {
			flow, err := s.Resend(a.Context(), a.asker, in.Flow)
			return flowAnswer{flow}, err
		}
		flow, err := s.StartSignInCode(a.Context(), a.asker, in.Login, in.Channel, "")
		return flowAnswer{flow}, err
	})
}

// confirmCall is the input of /auth/confirm-email.
type confirmCall struct {
	appFields
	authSessionField
	codeFields
	Password string `json:"password" secret:"true" doc:"With token: a password that the user chooses after following the link, because another person may have begun the registration."`
	Username string `json:"username" doc:"Another username, if the registered one was taken in the meantime."`
	Scope    string `json:"scope" doc:"As for /auth/sign-in."`
}

// apiConfirm returns the route of the call that brings back the code of a registration.
func (s *Server) apiConfirm() jsonapi.Route {
	return forApps(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/confirm-email", ID: "confirmEmail",
		Summary: "Completes a registration with the code from the email, and signs the user in.",
		Problems: []jsonapi.Outcome{wrongCode, wrongFields, accountExists, factorRequired, noAccess, wrongScope,
			wrongSession},
	}, func(a *asking, in confirmCall) (signedInAnswer, error) {
		if err := s.Apps.CheckScope(a.app, in.Scope); err != nil {
			return signedInAnswer{}, err
		}
		p, err := in.proof()
		if err != nil {
			return signedInAnswer{}, err
		}
		if ar, ok, err := s.Federation.ConfirmForApp(a.Context(), a.asker, p); ok {
			if err != nil {
				return signedInAnswer{}, upstreamProblem(err)
			}
			return s.appGoesOn(a, ar.User, ar.Since, in.Scope, proofFields{}, ar.AMR...)
		}
		user, _, err := s.ConfirmSignUp(a.Context(), a.asker, p,
			people.Completion{Password: in.Password, Username: in.Username})
		if err != nil {
			return signedInAnswer{}, err
		}
		return s.appRegistered(a, user, in.Scope)
	})
}

// apiConfirmMisspelt returns the route of /auth/confirm-email under the name that apps of a well-known tutorial call.
func (s *Server) apiConfirmMisspelt() jsonapi.Route {
	r := s.apiConfirm()
	r.Path, r.ID, r.Summary = "/auth/confir-email", "confirEmail", "The same as `/auth/confirm-email`, for apps that "+
		"spell it so."
	return r
}

// appRegistered signs in a user whose account was created by this call.
func (s *Server) appRegistered(a *asking, user storage.User, scope string) (signedInAnswer, error) {
	amr := "pwd"
	if !a.asker.UsesPasswords() {
		amr = "otp"
	}
	return s.appGoesOn(a, user, time.Now(), scope, proofFields{}, amr)
}
