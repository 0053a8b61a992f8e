package account

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// current returns the account that a page is about: the browser's current one, or the one in whose place an
// administrator looks at the page, or a Detour to where the user signs in or chooses an account. A form whose page
// showed another session is refused.
func (s *Server) current(r *http.Request) (sessions.Account, error) {
	if a, ok := actingAccount(r); ok {
		return a, nil
	}
	a, err := s.Site.Sessions.Current(r)
	if errors.Is(err, storage.ErrNotFound) {
		return a, s.noAccount(r)
	}
	if err == nil && r.Method == http.MethodPost && r.PostForm.Get("session") != a.ID {
		err = &web.Problem{Status: http.StatusConflict, Title: "account.other.title", Message: "account.other",
			Developer: "The hidden field \"session\" doesn't match the browser's current session."}
	}
	return a, err
}

// noAccount returns the Detour of a browser without a current account: to choose one of its other
// accounts when the current session was ended from elsewhere, else to sign in.
func (s *Server) noAccount(r *http.Request) error {
	all, err := s.Site.Sessions.All(r)
	switch {
	case err != nil:
		return err
	case len(all) > 0:
		return &ui.Detour{To: web.TenantOf(r.Context()).Path + "/select"}
	}
	return proveFirst(r, "/login")
}

// ownAccount is an account whose user has just proven to own it.
type ownAccount struct {
	sessions.Account
	owner people.Owner
}

// fresh is current for what only the account's owner may do. Its refusals are those of
// people.Service.Owner, which proving handles.
func (s *Server) fresh(r *http.Request) (ownAccount, error) {
	a, err := s.current(r)
	if err == nil {
		err = ui.RefuseActing(r)
	}
	if err != nil {
		return ownAccount{Account: a}, err
	}
	o, err := s.People.Owner(r.Context(), a.User, a.AuthTime, a.ACR)
	return ownAccount{a, o}, err
}

// proving sends the browser to where the user gives the proof that a use case has found missing. Every way
// of signing in gives one, with the factors that the policies require.
func proving(h ui.Handler) ui.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		switch {
		case errors.Is(err, people.ErrSignInFirst):
			return proveFirst(r, "/login")
		case errors.Is(err, people.ErrFactorFirst):
			return proveFirst(r, "/second-factor")
		}
		return err
	}
}

// proveFirst returns the Detour to a page of the sign-in that leads back to the section of the account
// that the browser requested. What was posted is lost.
func proveFirst(r *http.Request, page string) error {
	next := "/account"
	if IsPage(r.URL.Path) {
		next = r.URL.Path
	} else if parts := strings.SplitN(r.URL.Path, "/", 4); len(parts) > 2 && IsPage(next+"/"+parts[2]) {
		next += "/" + parts[2]
	}
	q := url.Values{"next": {next}}
	if wish := r.FormValue("ui_locales"); wish != "" {
		q.Set("ui_locales", wish)
	}
	return &ui.Detour{To: web.TenantOf(r.Context()).Path + page + "?" + q.Encode()}
}
