package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// refusedPages are the statuses of the pages that say a refusal for which there is no form.
var refusedPages = map[people.Refusal]int{
	people.ErrSignUpClosed:   http.StatusForbidden,
	people.ErrUninvited:      http.StatusForbidden,
	people.ErrInvitationGone: http.StatusBadRequest,
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
	case errors.As(err, &refused) && refusedPages[refused] != 0:
		return &web.Problem{
			Status: refusedPages[refused], Title: string(refused) + "_title", Message: string(refused), Err: err,
		}
	case errors.As(err, &early):
		return &web.Problem{
			Status: http.StatusTooManyRequests, Message: "signin.limited", Args: []any{early.Wait},
			RetryAfter: early.Wait, Err: err,
		}
	}
	return err
}
