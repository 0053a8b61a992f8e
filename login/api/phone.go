package api

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
)

// phoneCall is the input of /auth/change-phone.
type phoneCall struct {
	ownSessionField
	Phone string `json:"phone" doc:"The new number." example:"+49 170 1234567"`
}

// apiChangePhone returns the route of the call that sends a code to a new phone number.
func (s *Server) apiChangePhone() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/change-phone", ID: "changePhone", Status: http.StatusAccepted,
		Summary:  "Sends a code to the user's new phone number, which `/auth/confirm-change-phone` takes.",
		Problems: []jsonapi.Outcome{wrongFields, notFresh, notTheirSession, notOffered},
	}, func(p *person, in phoneCall) (out flowAnswer, err error) {
		o, err := s.owner(p)
		if err == nil {
			err = offered(s.HasPhones())
		}
		if err == nil {
			out.Flow, err = s.StartPhoneChange(p.Context(), p.asker, o, in.Phone)
		}
		return out, err
	})
}

// confirmPhoneCall is the input of /auth/confirm-change-phone.
type confirmPhoneCall struct {
	ownSessionField
	codeFields
}

// apiConfirmPhone returns the route of the call that brings that code back.
func (s *Server) apiConfirmPhone() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/confirm-change-phone", ID: "confirmChangePhone",
		Summary:  "Changes the phone number with the code from the text message, and tells the user by email.",
		Problems: []jsonapi.Outcome{wrongCode, wrongFields, notTheirSession},
	}, func(p *person, in confirmPhoneCall) (none jsonapi.None, err error) {
		proof, err := in.proof()
		if err == nil {
			_, err = s.ConfirmPhoneChange(p.Context(), p.asker, p.user, proof)
		}
		return none, err
	})
}

type removePhoneCall struct{ ownSessionField }

// apiRemovePhone returns the route of the call that takes the user's phone number away.
func (s *Server) apiRemovePhone() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/remove-phone", ID: "removePhone",
		Summary:  "Removes the phone number, and tells the user by email.",
		Problems: []jsonapi.Outcome{notFresh, notTheirSession, lastWayIn},
	}, func(p *person, _ removePhoneCall) (none jsonapi.None, err error) {
		o, err := s.owner(p)
		if err == nil {
			_, err = s.RemovePhone(p.Context(), p.asker, o)
		}
		return none, err
	})
}
