package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// refusedPages are the pages that say a refusal for which there is no form.
var refusedPages = map[people.Refusal]web.Problem{
	people.ErrNotOffered:     {Status: http.StatusNotFound},
	people.ErrSignUpClosed:   {Status: http.StatusForbidden, Title: "signup.closed_title", Message: "signup.closed"},
	people.ErrUninvited:      {Status: http.StatusForbidden, Title: "signup.invite_title", Message: "signup.invite"},
	people.ErrInvitationGone: {Status: http.StatusBadRequest, Title: "signup.invite_gone_title", Message: "signup.invite_gone"},
}

// sayRefusals makes problems of what use cases refuse and h shows no form for.
func sayRefusals(h ui.Handler) ui.Handler {
	return func(w http.ResponseWriter, r *http.Request) error { return refusalProblem(h(w, r)) }
}

// refusalProblem returns err, or the web.Problem for a refusal and for an attempt that came too
// early.
func refusalProblem(err error) error {
	var refused people.Refusal
	var early *people.Limited
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
	}
	return err
}
