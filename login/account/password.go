package account

import (
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// passwordForm is what the password page shows.
type passwordForm struct {
	ui.FormFaults
	Login     string // for password managers
	Has       bool   // there is a password, which has to be entered
	All       bool   // the change ends this session, too
	MinLength int
}

// passwordPage asks for a new password, and for the present one. A user without one has to have signed
// in just now instead.
func (s *Server) passwordPage(w http.ResponseWriter, r *http.Request) error {
	a, has, err := s.ownPassword(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.password", a.Account)
	v.Page = passwordForm{
		FormFaults: ui.FaultsOf(r), Login: ui.AccountOf(a.Account).Login, Has: has,
		All: s.Site.Asker(r).SignsOutEverywhere(), MinLength: s.People.Policy.Shortest(),
	}
	ui.AllowRequests(w)
	return s.Site.Show(w, http.StatusOK, "account-password", v)
}

// ownPassword returns the account, and whether it has a password.
func (s *Server) ownPassword(r *http.Request) (ownAccount, bool, error) {
	if !s.Site.Asker(r).UsesPasswords() {
		return ownAccount{}, false, &web.Problem{Status: http.StatusNotFound}
	}
	a, err := s.current(r)
	if err != nil {
		return ownAccount{}, false, err
	}
	has, err := s.People.HasPassword(r.Context(), a.User)
	if err != nil || has {
		return ownAccount{Account: a}, has, err
	}
	own, err := s.fresh(r)
	return own, false, err
}

// postPassword changes the password.
func (s *Server) postPassword(w http.ResponseWriter, r *http.Request) error {
	a, has, err := s.ownPassword(r)
	if err != nil {
		return err
	}
	asker := s.Site.Asker(r)
	in := people.NewPassword{Old: r.PostForm.Get("old_password"), New: r.PostForm.Get("password"),
		Session: a.ID, Owner: a.owner}
	user, err := s.People.ChangePassword(r.Context(), asker, a.User, in)
	if err != nil {
		return s.refuse(w, r, "/account/password", err)
	}
	if asker.SignsOutEverywhere() {
		if err := s.Site.Sessions.End(w, r, nil, a.ID); err != nil { // of the cookie: the stored session has ended
			return err
		}
		return changed(w, r, "/account", "password")
	}
	// The session keeps what opened it. The password was proven now.
	amr := a.AMR
	if has && !slices.Contains(amr, "pwd") {
		amr = append(slices.Clone(amr), "pwd")
	}
	was := a.Session
	was.AMR = amr
	_, kept, err := s.People.Reopen(r.Context(), asker, user, was)
	if err != nil {
		return err
	}
	s.Site.Keep(w, r, kept)
	return changed(w, r, "/account", "password")
}

// changePasswordAt leads password managers to where a password is changed (W3C, A Well-Known URL for
// Changing Passwords).
func changePasswordAt(w http.ResponseWriter, r *http.Request) error {
	return ui.SeeOther(w, r, "/account/password")
}
