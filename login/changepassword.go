package login

import (
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// passwordForm is what the password page shows.
type passwordForm struct {
	ui.FormFaults
	Login     string // for password managers
	Has       bool   // a password that has to be entered first
	All       bool   // the change signs out here too
	MinLength int
}

// passwordPage asks for a new password, and for the one that there is. Who has none sets
// one, and has to be fresh instead.
func (s *Server) passwordPage(w http.ResponseWriter, r *http.Request) error {
	a, has, err := s.ownPassword(r)
	if err != nil {
		return err
	}
	return s.showPassword(w, r, a, has, nil)
}

// ownPassword is the account, and whether it has a password.
func (s *Server) ownPassword(r *http.Request) (browser.Account, bool, error) {
	if !usesPasswords(r) {
		return browser.Account{}, false, &web.Problem{Status: http.StatusNotFound}
	}
	a, err := s.account.Current(r)
	if err != nil {
		return a, false, err
	}
	has, err := s.HasPassword(r.Context(), a.User)
	if err == nil && !has {
		a, err = s.account.Fresh(r)
	}
	return a, has, err
}

func (s *Server) showPassword(w http.ResponseWriter, r *http.Request, a browser.Account, has bool, err error) error {
	status, alert := ui.Again(w, r, err)
	if status == 0 {
		return account.ChangedMeanwhile(err)
	}
	v := s.account.View(w, r, "account.password", a)
	v.Page = passwordForm{FormFaults: ui.FaultsOf(r, err), Login: ui.AccountOf(a).Login, Has: has, All: signsOutAll(r), MinLength: s.Policy.Shortest()}
	v.Alert = alert
	ui.AllowScripts(w)
	return s.show(w, status, "account-password", v)
}

// signsOutAll says whether the tenant wants a new password to end this session too.
func signsOutAll(r *http.Request) bool {
	return web.TenantOf(r.Context()).Settings.Passwords.SignOut == storage.SignOutAll
}

// postPassword takes it.
func (s *Server) postPassword(w http.ResponseWriter, r *http.Request) error {
	a, has, err := s.ownPassword(r)
	if err != nil {
		return err
	}
	in := people.NewPassword{Old: r.PostForm.Get("old_password"), New: r.PostForm.Get("password"), Session: a.ID}
	user, err := s.ChangePassword(r.Context(), s.askerOf(r), a.User, in)
	if err != nil {
		return s.showPassword(w, r, a, has, err)
	}
	if signsOutAll(r) {
		if err := s.Sessions.End(w, r, nil, a.ID); err != nil { // of the cookie: the session is dead
			return err
		}
		return account.Changed(w, r, "/account", "password")
	}
	// What opened the session has not changed, but for the password, which was proven now.
	amr := a.AMR
	if has && !slices.Contains(amr, "pwd") {
		amr = append(slices.Clone(amr), "pwd")
	}
	if _, err := s.Sessions.Restart(w, r, user, a.Session, amr...); err != nil {
		return err
	}
	s.devices.Remember(w, r, knownFor(user, a.ACR)...)
	return account.Changed(w, r, "/account", "password")
}

// changePasswordAt leads password managers to where a password is changed (W3C, A Well-Known URL for
// Changing Passwords).
func changePasswordAt(w http.ResponseWriter, r *http.Request) error {
	return seeOther(w, r, "/account/password")
}
