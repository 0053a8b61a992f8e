package ui

import (
	"context"
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// actingKey is the key of the account in whose place an administrator uses the browser, in the context of a request.
type actingKey struct{}

// ActingOf returns the account in whose place an administrator uses the browser, or nil. Only requests to a Site have
// one.
func ActingOf(r *http.Request) *sessions.Account {
	a, _ := r.Context().Value(actingKey{}).(*sessions.Account)
	return a
}

// withActing finds out whether an administrator uses the browser as another user, which costs nothing in browsers
// that hold no such session. A session that lives no longer is taken from the browser.
func (s *Site) withActing(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	if !browser.HoldsActing(r) {
		return r, nil
	}
	a, err := s.Sessions.Acting(r)
	if errors.Is(err, storage.ErrNotFound) {
		s.Sessions.ForgetActing(w, r)
		return r, nil
	}
	if err != nil {
		return r, err
	}
	return r.WithContext(context.WithValue(r.Context(), actingKey{}, &a)), nil
}

// errActing refuses what only the user can do.
var errActing = &web.Problem{Status: http.StatusForbidden, Title: "acting.refused_title", Message: "acting.refused",
	Developer: "The browser holds a session in which an administrator is signed in as another user. Such a session " +
		"can look at an account, and can neither change it nor prove anything."}

// RefuseActing returns an error if an administrator uses the browser as another user.
func RefuseActing(r *http.Request) error {
	if ActingOf(r) != nil {
		return errActing
	}
	return nil
}
