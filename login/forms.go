package login

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
)

// formFaults is what is wrong with the fields of a form.
type formFaults struct {
	words  texts.Words
	faults invalid
}

// Fault says what is wrong with a field, or "".
func (f formFaults) Fault(field string) string {
	return faultAt(f.words, f.faults, field)
}

// faultAt says what is wrong with a field, or "".
func faultAt(say texts.Words, faults people.Faults, field string) string {
	for _, f := range faults {
		if f.Field == field {
			return say.Must(f.Text, f.Args...)
		}
	}
	return ""
}

// faultsOf are those that err has.
func (s *Server) faultsOf(r *http.Request, err error) formFaults {
	f := formFaults{words: s.words(r)}
	errors.As(err, &f.faults) // or none
	return f
}

// again is how a form is shown once more after an error that whoever filled it in can do
// something about: the status, and what stands above the form. What stands beside fields is
// faultsOf. Status 0 is for any other error.
func (s *Server) again(w http.ResponseWriter, r *http.Request, err error) (status int, alert string) {
	say := s.words(r)
	var faults invalid
	var early *limited
	switch {
	case err == nil:
		return http.StatusOK, ""
	case errors.As(err, &faults):
		return http.StatusUnprocessableEntity, ""
	case errors.Is(err, errWrongCode):
		return http.StatusUnprocessableEntity, say.Must("confirm.wrong")
	case errors.As(err, &early):
		web.Note(r.Context(), "login", "limited")
		w.Header().Set("Retry-After", web.RetryAfter(early.Wait))
		return http.StatusTooManyRequests, say.Must("signin.limited", say.Span(early.Wait))
	case errors.Is(err, argon2id.ErrBusy):
		w.Header().Set("Retry-After", web.RetryAfter(time.Second))
		return http.StatusServiceUnavailable, say.Must("signin.busy")
	}
	return 0, ""
}
