package login

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// freshness is how long a proof counts for what only an account's owner may do. Whoever
// finds a browser signed in has its session, but not what opened it.
const freshness = 5 * time.Minute

// fresh is mine for what needs a proof that is no older than freshness. Every way of
// signing in gives one, with the factors that the policies want. Of somebody who has a
// second factor it takes that too: a remembered device is not enough here, or who knows
// the password could change all else from it.
func (s *Server) fresh(r *http.Request) (browser.Account, error) {
	a, err := s.mine(r)
	switch {
	case err != nil:
		return a, err
	case !isFresh(a):
		return a, proveFirst(r, "/login")
	case storage.ReachesACR(a.ACR, storage.ACRMultiFactor):
		return a, nil
	}
	creds, err := s.Store.CredentialsOf(r.Context(), a.TenantID, a.UserID)
	if err == nil && storage.HasSecondFactor(creds) {
		err = proveFirst(r, "/second-factor")
	}
	return a, err
}

func isFresh(a browser.Account) bool { return storage.Within(a.AuthTime, time.Now(), freshness) }

// proveFirst sends the browser to a page of the sign-in, and back to the section of the
// account that it wanted. What was posted is not kept.
func proveFirst(r *http.Request, page string) error {
	next := "/account"
	if parts := strings.SplitN(r.URL.Path, "/", 4); len(parts) > 2 && ownPage(next+"/"+parts[2]) {
		next += "/" + parts[2]
	}
	q := url.Values{"next": {next}}
	if wish := r.FormValue("ui_locales"); wish != "" {
		q.Set("ui_locales", wish)
	}
	return &detour{To: web.TenantOf(r.Context()).Path + page + "?" + q.Encode()}
}

// ownPage says whether the path is a page of the account that a sign-in may lead to.
func ownPage(path string) bool {
	return path == "/account" || slices.ContainsFunc(sections, func(s section) bool { return path == "/account/"+s.path })
}
