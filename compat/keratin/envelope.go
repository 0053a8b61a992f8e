package keratin

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
	"github.com/vouchsafe/vouchsafe/storage"
)

// result answers with what was asked for.
func (a *asking) result(status int, v any) error {
	return writeJSON(a.w, status, map[string]any{"result": v})
}

// done answers without a body.
func (a *asking) done() error {
	a.w.Header().Set("Content-Length", "0")
	a.w.WriteHeader(http.StatusOK)
	return nil
}

// writeJSON writes an answer, which no cache keeps.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that is gone needs no answer
	return nil
}

// fieldError is what is wrong with a field.
type fieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// words are those of Keratin AuthN.
var words = map[delegated.Kind]string{
	delegated.Missing: "MISSING", delegated.Malformed: "FORMAT_INVALID", delegated.Taken: "TAKEN",
	delegated.Insecure: "INSECURE",
}

// errNoSession is the answer to a request that needs a session.
var errNoSession = errors.New("no session")

// reasons are the answers to refusals, each with status 422.
var reasons = []struct {
	err error
	fieldError
}{
	{people.ErrWrongPassword, fieldError{"credentials", "FAILED"}},
	{people.ErrNewPassword, fieldError{"credentials", "EXPIRED"}},
	{delegated.ErrLocked, fieldError{"account", "LOCKED"}},
	{delegated.ErrGone, fieldError{"account", "NOT_FOUND"}},
	{delegated.ErrToken, fieldError{"token", "INVALID_OR_EXPIRED"}},
	{delegated.ErrFactorMissing, fieldError{"otp", "MISSING"}},
	{delegated.ErrFactorWrong, fieldError{"otp", "INVALID_OR_EXPIRED"}},
	{delegated.ErrFactorOn, fieldError{"otp", "TAKEN"}},
	{people.ErrFactorRequired, fieldError{"otp", "FAILED"}},
	{delegated.ErrAdministrator, fieldError{"account", "FAILED"}},
	{people.ErrLastWayIn, fieldError{"password", "NEW_PASSWORD_REQUIRED"}},
	{people.ErrChangedMeanwhile, fieldError{"account", "FAILED"}},
	{people.ErrNoClaimant, fieldError{"credentials", "FAILED"}},
}

// fail answers with what was wrong.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if faults, ok := errors.AsType[delegated.Faults](err); ok {
		var all []fieldError
		for _, f := range faults {
			all = append(all, fieldError{f.Field, words[f.Kind]})
		}
		failFields(w, http.StatusUnprocessableEntity, all...)
		return
	}
	for _, reason := range reasons {
		if errors.Is(err, reason.err) {
			failFields(w, http.StatusUnprocessableEntity, reason.fieldError)
			return
		}
	}
	early, limited := errors.AsType[*people.Limited](err)
	unread, isUnread := errors.AsType[*refused](err)
	switch {
	case errors.Is(err, errNoSession):
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusUnauthorized)
	case errors.Is(err, people.ErrSignUpClosed), errors.Is(err, people.ErrUninvited):
		http.NotFound(w, r) // as a server that offers no sign-up
	case errors.Is(err, storage.ErrNotFound):
		failFields(w, http.StatusNotFound, fieldError{"account", "NOT_FOUND"})
	case limited:
		later(w, early.Wait)
		failText(w, http.StatusTooManyRequests, "too many attempts")
	case errors.Is(err, argon2id.ErrBusy):
		later(w, time.Second)
		failText(w, http.StatusServiceUnavailable, "too many passwords are being checked")
	case isUnread:
		failText(w, unread.status, unread.sentence)
	default:
		// It logs what failed, and writes nothing but the status.
		web.Fail(func(w http.ResponseWriter, _ *http.Request, p *web.Problem) {
			failText(w, p.Status, http.StatusText(p.Status))
		}, w, r, err)
	}
}

// ErrorPage answers a panic and what happens before a route is found.
func ErrorPage(w http.ResponseWriter, _ *http.Request, p *web.Problem) {
	failText(w, p.Status, http.StatusText(p.Status))
}

// later says when to try again.
func later(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", web.RetryAfter(wait))
}

// failFields answers with what is wrong with fields.
func failFields(w http.ResponseWriter, status int, all ...fieldError) {
	_ = writeJSON(w, status, map[string][]fieldError{"errors": all}) // texts
}

// failText answers a request that is about no field.
func failText(w http.ResponseWriter, status int, sentence string) {
	_ = writeJSON(w, status, map[string]string{"error": sentence}) // texts
}
