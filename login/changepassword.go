package login

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// passwordForm is what the password page shows.
type passwordForm struct {
	formFaults
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
	_, err = s.Store.Credential(r.Context(), a.TenantID, a.UserID, storage.PasswordCredential, "")
	if errors.Is(err, storage.ErrNotFound) {
		a, err = s.account.Fresh(r)
		return a, false, err
	}
	return a, true, err
}

func (s *Server) showPassword(w http.ResponseWriter, r *http.Request, a browser.Account, has bool, err error) error {
	status, alert := s.again(w, r, err)
	if status == 0 {
		return account.ChangedMeanwhile(err)
	}
	v := s.account.View(w, r, "account.password", a)
	v.Page = passwordForm{formFaults: s.faultsOf(r, err), Login: ui.AccountOf(a).Login, Has: has, All: signsOutAll(r), MinLength: s.Policy.Shortest()}
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
	user, err := s.changePassword(r, a.User, r.PostForm.Get("old_password"), r.PostForm.Get("password"))
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

// changePassword gives a person a new password. They prove the old one, if there is one;
// else the caller has made sure of them. It ends all their sessions and grants: the person
// that it returns may start a session again.
func (s *Server) changePassword(r *http.Request, u storage.User, old, fresh string) (storage.User, error) {
	cred, err := s.Store.Credential(r.Context(), u.TenantID, u.ID, storage.PasswordCredential, "")
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return u, err
	}
	if err == nil {
		if err := s.proveOld(r, u, cred, old); err != nil {
			return u, err
		}
	}
	ch, err := s.passwordChange(r, u, "password", fresh)
	if err != nil {
		return u, err
	}
	ch.Events = append(ch.Events, s.event(r, storage.Event{Kind: storage.EventPasswordChanged, UserID: u.ID}))
	if err := s.apply(r, u, ch); err != nil {
		return u, err
	}
	u.CredentialVersion++ // and no other: what else changed it meanwhile must not be undone
	return u, nil
}

// proveOld checks the password that a person has, and counts the guesses of whoever sits
// at their browser.
func (s *Server) proveOld(r *http.Request, u storage.User, cred storage.Credential, old string) error {
	if old == "" || len(old) > password.MaxLength {
		return invalidf("old_password", "newpassword.missing")
	}
	guess, err := s.allowOwner(r, u)
	if err != nil {
		return err
	}
	ok, _, err := s.PasswordsFor(guess).Verify(r.Context(), cred.Data, old)
	if err != nil && !errors.Is(err, argon2id.ErrMalformed) {
		guess.Unseen(r.Context())
		return err
	}
	if !ok {
		s.observe(r, storage.Event{Kind: storage.EventPasswordRefused, UserID: u.ID})
		return invalidf("old_password", "newpassword.wrong")
	}
	guess.Right(r.Context())
	return nil
}

// changePasswordAt leads password managers to where a password is changed (W3C, A Well-Known URL for
// Changing Passwords).
func changePasswordAt(w http.ResponseWriter, r *http.Request) error {
	return seeOther(w, r, "/account/password")
}
