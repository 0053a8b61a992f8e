package admin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/administration"
)

// signInAsCall is the input of POST /users/{user}:sign-in-as.
type signInAsCall struct {
	ofUser
	Reason string `json:"reason" need:"true" max:"1200" doc:"Why, in one line of at most 300 characters. The user can read it." example:"Support request 4711"`
}

// signInAsLink is its answer.
type signInAsLink struct {
	Link      string    `json:"link,omitempty" doc:"The page where the administrator confirms it, in their own browser. It is shown only now."`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when the link works, once."`
}

func (s *Server) signInAs() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/users/{user}:sign-in-as", ID: "signInAs", Scope: administration.SignInAs,
		Summary: "Makes a link by which the administrator who calls can sign in as a user, to help.",
		Text: "The link opens nothing by itself. It leads to a form that is filled in, which only this administrator can " +
			"use, who has to have signed in within the last five minutes in that browser. The tenant's setting " +
			"`sign_in_as.enabled` has to be on. A client that calls for itself can't do this.",
		Problems: []jsonapi.Outcome{
			wrongFields, notJSON,
			{Status: http.StatusConflict, Code: "not_offered", When: "the tenant's setting `sign_in_as.enabled` isn't on."},
			{Status: http.StatusConflict, Code: "no_administrator", When: "a client calls for itself, or the " +
				"administrator's role doesn't allow it."},
			{Status: http.StatusConflict, Code: "is_administrator", When: "the user is an administrator."},
			{Status: http.StatusConflict, Code: "disabled", When: "the user is disabled."},
		},
	}, func(c *call, in signInAsCall) (out signInAsLink, err error) {
		if c.user == nil {
			return out, acting.ErrNotAllowed
		}
		if _, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, in.User); err != nil {
			return out, err
		}
		out.Link, out.ExpiresAt, err = s.Acting.Link(c.Context(), c.asker, *c.user,
			acting.Request{UserID: in.User, Reason: in.Reason})
		return out, err
	})
}
