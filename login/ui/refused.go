package ui

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
)

// refusedPages are the pages that say a refusal for which there is no form.
var refusedPages = map[people.Refusal]web.Problem{
	people.ErrFactorRequired:   {Status: http.StatusForbidden, Title: "factors.title", Message: "factors.must"},
	people.ErrChangedMeanwhile: {Status: http.StatusConflict, Message: "account.other"},
	people.ErrNotOffered: {Status: http.StatusNotFound,
		Developer: "The tenant's settings don't allow this. Passkeys also need an issuer with a host name."},
	people.ErrSignUpClosed: {Status: http.StatusForbidden, Title: "signup.closed_title", Message: "signup.closed"},
	people.ErrUninvited:    {Status: http.StatusForbidden, Title: "signup.invite_title", Message: "signup.invite"},
	people.ErrSetupGone: {Status: http.StatusForbidden, Title: "problem.setup_gone.title", Message: "problem.setup_gone",
		Developer: "The parameter token doesn't match the current link for the first administrator."},
	apikeys.ErrOff:       {Status: http.StatusNotFound, Title: "apikeys.title", Message: "apikeys.off"},
	apikeys.ErrReplaced:  {Status: http.StatusConflict, Title: "apikeys.title", Message: "apikeys.replaced"},
	acting.ErrOff:        {Status: http.StatusNotFound, Title: "acting.title", Message: "acting.off"},
	acting.ErrNotAllowed: {Status: http.StatusForbidden, Title: "acting.title", Message: "acting.not_allowed"},
	acting.ErrAdministrator: {Status: http.StatusForbidden, Title: "acting.title",
		Message: "acting.administrator"},
	acting.ErrDisabled:   {Status: http.StatusForbidden, Title: "acting.title", Message: "acting.disabled"},
	acting.ErrTicketGone: {Status: http.StatusConflict, Title: "acting.title", Message: "acting.ticket_gone"},
	invitations.ErrGone: {Status: http.StatusBadRequest, Title: "signup.invite_gone_title",
		Message: "signup.invite_gone"},
}

// RefusalProblem returns err, or the web.Problem for a refusal and for an attempt that came too
// early. Page and Form call it for errors that their handlers show no form for.
func RefusalProblem(err error) error {
	var refused people.Refusal
	var early *people.Limited
	var lost federation.Lost
	switch {
	case errors.As(err, &refused) && refusedPages[refused].Status != 0:
		p := refusedPages[refused]
		p.Err = err
		return &p
	case errors.As(err, &early):
		return &web.Problem{
			Status: http.StatusTooManyRequests, Message: "signin.limited", Args: []any{early.Wait},
			RetryAfter: early.Wait, Err: err,
		}
	case errors.As(err, &lost): // the one answer to what belongs to no round trip of this browser
		return &web.Problem{
			Status: http.StatusBadRequest, Title: "federated.lost_title", Message: "federated.lost", Developer: string(lost),
		}
	}
	return err
}

// ChangedMeanwhile returns err, or the web.Problem for a change of an account that came too late:
// another request has changed or deleted the account.
func ChangedMeanwhile(err error) error {
	if errors.Is(err, people.ErrChangedMeanwhile) || errors.Is(err, storage.ErrNotFound) {
		return &web.Problem{Status: http.StatusConflict, Message: "account.other", Err: err}
	}
	return err
}

// CodeGone returns err, or the web.Problem for a code or a link that no form can be shown for, because
// it does not work any more.
func CodeGone(err error) error {
	if !errors.Is(err, people.ErrWrongCode) {
		return err
	}
	return &web.Problem{Status: http.StatusBadRequest, Title: "confirm.gone_title", Message: "confirm.gone"}
}
