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
type FormFaults struct{ faults map[string]string }

// FaultsOf returns the faults for which the page's form was refused, or none.
func FaultsOf(r *http.Request) FormFaults { return FormFaults{refusedOf(r).Faults} }

// Fault returns what is wrong with a field, or "".
func (f FormFaults) Fault(field string) string { return f.faults[field] }

// Typed returns what the user typed into a field of the page's form before it was refused, or otherwise
// if the form was not refused or did not keep the field.
func Typed(r *http.Request, field, otherwise string) string {
	if typed, ok := refusedOf(r).Typed[field]; ok {
		return typed
	}
	return otherwise
}

// refusedBy returns what a page says after err, which the user can correct in the form. It returns false
// for every other error.
func refusedBy(r *http.Request, err error) (refused Refused, ok bool) {
	say := Words(r)
	var faults people.Faults
	var early *people.Limited
	switch {
	case errors.As(err, &faults):
		refused = Refused{Status: http.StatusUnprocessableEntity, Faults: map[string]string{}}
		for _, f := range faults {
			if _, ok := refused.Faults[f.Field]; !ok {
				refused.Faults[f.Field] = say.Must(f.Text, f.Args...)
			}
		}
	case errors.Is(err, people.ErrWrongCode):
		refused = Refused{Status: http.StatusUnprocessableEntity}
		text := say.Must("confirm.wrong")
		if wrong := (*people.WrongCode)(nil); errors.As(err, &wrong) {
			text = say.Must("confirm.wrong_left", wrong.Left)
		}
		if r.PostForm.Has("code") {
			refused.Faults = map[string]string{"code": text}
		} else {
			refused.Alert = say.Must("confirm.wrong")
		}
	case errors.As(err, &early):
		web.Note(r.Context(), "login", "limited")
		refused = Refused{Status: http.StatusTooManyRequests, Wait: early.Wait,
			Alert: LimitedText(say, early)}
	case errors.Is(err, argon2id.ErrBusy):
		refused = Refused{Status: http.StatusServiceUnavailable, Wait: time.Second, Alert: say.Must("signin.busy")}
	default:
		return Refused{}, false
	}
	return refused, true
}

// Again says when the code that a form waits for can be sent once more. A form embeds it for its template.
type Again struct{ ResendIn int } // seconds; 0 is now

// AgainAt returns the Again of a code that can be sent once more at that time.
func AgainAt(at time.Time) Again {
	return Again{int((max(0, time.Until(at)) + time.Second - 1) / time.Second)}
}

// LimitedText says how long the user has to wait.
func LimitedText(say texts.Words, early *people.Limited) string {
	if early.Resend {
		return say.Must("confirm.resend_in", AgainAt(time.Now().Add(early.Wait)).ResendIn)
	}
	return say.Must("signin.limited", say.Span(early.Wait))
}

// IsRefusal reports whether Refuse can show err in the form.
func IsRefusal(err error) bool {
	var faults people.Faults
	var early *people.Limited
	return errors.As(err, &faults) || errors.Is(err, people.ErrWrongCode) || errors.As(err, &early) ||
		errors.Is(err, argon2id.ErrBusy)
}
