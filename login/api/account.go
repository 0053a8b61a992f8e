package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/storage"
)

// person is the user of an access token, with the token's grant.
type person struct {
	asking
	user  storage.User
	grant storage.Grant
}

// forPeople returns the route of a call that acts for the user of the app's access token. The token alone is
// not enough: the APIs that it was issued for see it too, and could otherwise act for the user here. The call
// also needs the auth_session, which only the app has.
func forPeople[In, Out any](
	s *Server, op jsonapi.Operation, do func(p *person, in In) (Out, error),
) jsonapi.Route {
	op.Token, op.Forms, op.Problems = true, true, outcomes(op.Problems, personProblems)
	return jsonapi.Handle(op, func(r *http.Request, in In) (out Out, err error) {
		app, grant, user, err := s.Apps.Person(r)
		if err != nil {
			return out, err
		}
		a, err := s.asks(r, app, in)
		if err != nil {
			return out, err
		}
		if !s.HasSignedIn(a.asker, user) {
			return out, badSession("Send the auth_session of this user's sign-in.")
		}
		return do(&person{*a, user, grant}, in)
	})
}

// ownSessionField is part of the input of calls for a signed-in user: the auth_session of that user's sign-in.
type ownSessionField struct {
	AuthSession string `json:"auth_session" need:"true" secret:"true" max:"8192" doc:"The auth_session from this user's sign-in, or from the last response since. The access token alone is not enough, because the app's APIs see it too."`
}

// session returns the auth_session of the input.
func (f ownSessionField) session() string { return f.AuthSession }

// owner returns the user of the call as owner of the account, or a notFreshError.
func (s *Server) owner(p *person) (people.Owner, error) {
	o, err := s.Owner(p.Context(), p.user, p.grant.AuthTime, p.grant.ACR)
	switch {
	case errors.Is(err, people.ErrFactorFirst):
		err = &notFreshError{storage.ACRMultiFactor}
	case errors.Is(err, people.ErrSignInFirst):
		var acr string
		if acr, err = s.OwnerACR(p.Context(), p.user, p.grant.ACR); err == nil {
			err = &notFreshError{acr}
		}
	}
	return o, err
}

// updatePasswordCall is the input of /auth/update-password.
type updatePasswordCall struct {
	ownSessionField
	OldPassword string `json:"old_password" secret:"true" doc:"The current password. A user without a password must have signed in just now."`
	Password    string `json:"password" secret:"true" doc:"The new password."`
}

// apiUpdatePassword returns the route of the call that changes the password of the signed-in user.
func (s *Server) apiUpdatePassword() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPatch, Path: "/auth/update-password", ID: "updatePassword",
		Summary: "Changes the password, and returns new tokens.",
		Text: "All the user's sessions and tokens end, including the access token of this call. If the tenant signs " +
			"users out everywhere (`passwords.sign_out: all`), there are no new tokens, and the response is 204.",
		Problems: []jsonapi.Outcome{wrongFields, noAccess, notOffered, notFresh, notTheirSession},
	}, func(p *person, in updatePasswordCall) (*signedInAnswer, error) {
		if err := offered(p.asker.UsesPasswords()); err != nil {
			return nil, err
		}
		asked := people.NewPassword{Old: in.OldPassword, New: in.Password}
		had, err := s.HasPassword(p.Context(), p.user)
		if err == nil && !had {
			asked.Owner, err = s.owner(p)
		}
		if err != nil {
			return nil, err
		}
		user, err := s.ChangePassword(p.Context(), p.asker, p.user, asked)
		if err != nil {
			return nil, err
		}
		if p.asker.SignsOutEverywhere() {
			return nil, nil
		}
		amr := p.grant.AMR
		if had && !slices.Contains(amr, "pwd") {
			amr = append(slices.Clone(amr), "pwd")
		}
		was := storage.Session{AuthTime: p.grant.AuthTime, ACR: p.grant.ACR, AMR: amr}
		sess, kept, err := s.Reopen(p.Context(), p.asker, user, was)
		if err != nil {
			return nil, err
		}
		p.keep(kept)
		out, err := s.appAnswer(&p.asking, sess, strings.Join(p.grant.Scopes, " "))
		return &out, err
	})
}

// changeEmailCall is the input of /auth/change-email.
type changeEmailCall struct {
	ownSessionField
	Email string `json:"email" doc:"The new address." example:"jo@example.org" format:"email"`
}

// apiChangeEmail returns the route of the call that sends a code to a new address.
func (s *Server) apiChangeEmail() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/change-email", ID: "changeEmail", Status: http.StatusAccepted,
		Summary: "Sends a code to the user's new address.",
		Text: "`/auth/confirm-change-email` takes the code. The response is the same if another account has the " +
			"address; its owner then gets an email that says so.",
		Problems: []jsonapi.Outcome{wrongFields, notFresh, notTheirSession},
	}, func(p *person, in changeEmailCall) (flowAnswer, error) {
		o, err := s.owner(p)
		if err != nil {
			return flowAnswer{}, err
		}
		flow, err := s.StartEmailChange(p.Context(), p.asker, o, in.Email)
		return flowAnswer{flow}, err
	})
}

// confirmChangeCall is the input of /auth/confirm-change-email.
type confirmChangeCall struct {
	ownSessionField
	codeFields
}

// apiConfirmChange returns the route of the call that brings that code back.
func (s *Server) apiConfirmChange() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/confirm-change-email", ID: "confirmChangeEmail",
		Summary:  "Changes the address with the code from the email, and notifies the old address.",
		Problems: []jsonapi.Outcome{wrongCode, wrongFields, notTheirSession},
	}, func(p *person, in confirmChangeCall) (jsonapi.None, error) {
		proof, err := in.proof()
		if err == nil {
			_, err = s.ConfirmEmailChange(p.Context(), p.asker, p.user, proof)
		}
		return jsonapi.None{}, err
	})
}

// deleteCall is the input of /auth/delete-account.
type deleteCall struct {
	ownSessionField
	Confirm string `json:"confirm" need:"true" enum:"delete" doc:"Guards against mistakes."`
}

// apiDelete returns the route of the call that deletes the account of the signed-in user.
func (s *Server) apiDelete() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/delete-account", ID: "deleteAccount",
		Summary:  "Deletes the user's account and everything that belongs to it, permanently.",
		Problems: []jsonapi.Outcome{notFresh, notTheirSession, lastOwner},
	}, func(p *person, _ deleteCall) (jsonapi.None, error) {
		o, err := s.owner(p)
		if err != nil {
			return jsonapi.None{}, err
		}
		return jsonapi.None{}, selfservice.Service{Service: s.Service}.DeleteAccount(p.Context(), p.asker, o)
	})
}
