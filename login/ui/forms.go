package ui

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
)

// FormFaults says what is wrong with the fields of a form. A form embeds it for its template.
type FormFaults struct {
	words  texts.Words
	faults people.Faults
}

// FaultsOf returns the faults that err is, or none.
func FaultsOf(r *http.Request, err error) FormFaults {
	f := FormFaults{words: Words(r)}
	errors.As(err, &f.faults)
	return f
}

// Fault returns what is wrong with a field, or "".
func (f FormFaults) Fault(field string) string { return FaultAt(f.words, f.faults, field) }

// FaultAt returns what is wrong with a field, or "".
func FaultAt(w texts.Words, faults people.Faults, field string) string {
	for _, f := range faults {
		if f.Field == field {
			return w.Must(f.Text, f.Args...)
		}
	}
	return ""
}

// Again returns how a form is shown once more after an error that its user can correct: the status,
// and the alert above the form. What stands beside fields is FaultsOf. Status 0 is for any other
// error. It sets Retry-After if the user has to wait.
func Again(w http.ResponseWriter, r *http.Request, err error) (status int, alert string) {
	say := Words(r)
	var faults people.Faults
	var early *people.Limited
	switch {
	case err == nil:
		return http.StatusOK, ""
	case errors.As(err, &faults):
		return http.StatusUnprocessableEntity, ""
	case errors.Is(err, people.ErrWrongCode):
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
