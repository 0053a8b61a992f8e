package backendauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/people/tenantapp"
	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// writeJSON writes an answer, which no cache keeps.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that is gone needs no answer
	return nil
}

// answer answers with what was asked for.
func (a *asking) answer(v any) error { return writeJSON(a.w, http.StatusOK, v) }

// done is the answer to what has only an effect.
func (a *asking) done() error { return a.answer(map[string]int{"result": 1}) }

// failText answers with a sentence.
func failText(w http.ResponseWriter, status int, sentence string) {
	_ = writeJSON(w, status, map[string]string{"error": sentence}) // texts
}

// failStatus is failText with the status in the body, too, as sign-ins have it.
func failStatus(w http.ResponseWriter, status int, sentence string) {
	_ = writeJSON(w, status, map[string]any{"error": sentence, "status": status}) // a text and a number
}

// ErrorPage answers a panic and what happens before a route is found.
func ErrorPage(w http.ResponseWriter, _ *http.Request, p *web.Problem) {
	failText(w, p.Status, http.StatusText(p.Status))
}

var (
	errNotAuthorized = errors.New("the request has no token of a tenant's app")
	errForbidden     = errors.New("the request may not add a tenant")
)

// asNotAuthorized returns the error of a request whose token opens nothing.
func asNotAuthorized(err error) error {
	if errors.Is(err, tenantapp.ErrToken) {
		return errNotAuthorized
	}
	return err
}

// refusals are the answers to refusals that every route words alike. bare leaves the status out of the body.
var refusals = []struct {
	err      error
	status   int
	sentence string
	bare     bool
}{
	{errNotAuthorized, http.StatusUnauthorized, "Not Authorized", true},
	{errForbidden, http.StatusForbidden, "Forbidden", true},
	{delegated.ErrAdministrator, http.StatusForbidden, "Forbidden: the user is an administrator", true},
	{tenantapp.ErrToken, http.StatusBadRequest, "invalid token", true},
	{tenantapp.ErrEmailTaken, http.StatusBadRequest, "This tenant already exists", true},
	{tenantapp.ErrUserExists, http.StatusConflict, "A user with this login or email already exists", true},
	{tenantapp.ErrNoEmail, http.StatusUnprocessableEntity, "The provider told no email address", true},
	{delegated.ErrLocked, http.StatusForbidden, "User is disabled", false},
	{people.ErrNewPassword, http.StatusForbidden, "The password has to be changed", false},
	{delegated.ErrFactorMissing, http.StatusForbidden, "A second factor is required: otp", false},
	{delegated.ErrFactorWrong, http.StatusForbidden, "Incorrect second factor", false},
	{upstream.ErrDenied, http.StatusBadRequest, "The provider denied the sign-in", true},
	{upstream.ErrRefused, http.StatusBadRequest, "The provider's answer cannot be used", true},
	{upstream.ErrUnreachable, http.StatusBadGateway, "The provider cannot be reached", true},
}

// fail answers with what was wrong.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if wrong, ok := errors.AsType[faults](err); ok {
		_ = writeJSON(w, http.StatusUnprocessableEntity, map[string]any{ // texts and numbers
			"error":   map[string]any{"isJoi": true, "name": "ValidationError", "details": wrong},
			"message": "Validation error",
		})
		return
	}
	for _, refusal := range refusals {
		switch {
		case !errors.Is(err, refusal.err):
			continue
		case refusal.bare:
			failText(w, refusal.status, refusal.sentence)
		default:
			failStatus(w, refusal.status, refusal.sentence)
		}
		return
	}
	early, limited := errors.AsType[*people.Limited](err)
	unread, isUnread := errors.AsType[*refused](err)
	switch {
	case limited:
		later(w, early.Wait)
		failText(w, http.StatusTooManyRequests, "Too many attempts")
	case errors.Is(err, argon2id.ErrBusy):
		later(w, time.Second)
		failText(w, http.StatusServiceUnavailable, "Too many passwords are being checked")
	case isUnread:
		failText(w, unread.status, unread.sentence)
	default:
		web.Fail(ErrorPage, w, r, err) // it logs what failed, and writes nothing but the status
	}
}

// later says when to try again.
func later(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", web.RetryAfter(wait))
}
