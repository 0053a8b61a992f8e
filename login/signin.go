package login

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signInForm is what the sign-in page shows.
type signInForm struct {
	Login string // as the user typed it, or from the client's login_hint
	// Account is the signed-in account, which the user has to confirm with a new proof. It is nil when the
	// page asks for a name.
	Account *ui.Account
	// LoginError and SecretError are the errors beside the fields for name and password.
	LoginError, SecretError string
	// SignUp and Forgot say whether the page links to registration and to the password reset.
	SignUp, Forgot bool
	// Password says whether users of the tenant have passwords. codeWays says how they can sign in by a code.
	Password bool
	codeWays
}

// PhoneOnly reports whether a code sent to a phone is the only way to sign in with a name.
func (f signInForm) PhoneOnly() bool { return f.ByPhone && !f.Password && !f.ByEmail }

// signInPage shows the form that asks for name and password.
func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	form, err := s.blankForm(r, in)
	if err != nil {
		return err
	}
	if in == nil && form.Account != nil && (s.nextOf(r) == "" || form.Account.Fresh) {
		return s.goOn(w, r, nil) // signed in, and no page or client asks for a new proof
	}
	alert := ui.UpstreamAlert(r, s.Service)
	if alert == "" && form.Account != nil {
		_, alert = s.staleFrom(r)
	}
	return s.showSignIn(w, r, http.StatusOK, in, form, alert)
}

// blankForm returns the form before the user typed anything. If an account is signed in, the form asks the
// user to confirm that account, unless the client means another account or the user chose another with ?other.
func (s *Server) blankForm(r *http.Request, in *storage.Interaction) (signInForm, error) {
	var form signInForm
	var err error
	if in != nil {
		if form.Login, err = s.hinted(r, in); err != nil {
			return form, err
		}
	}
	if r.FormValue("other") != "" {
		return form, nil
	}
	current, err := s.Sessions.Current(r)
	if errors.Is(err, storage.ErrNotFound) {
		return form, nil
	}
	if err != nil {
		return form, err
	}
	if in != nil && in.Subjects != nil {
		if !slices.Contains(in.Subjects, current.UserID) {
			return form, nil // the client means another account, which it named by an ID token or by sub
		}
	} else if key, ok := people.NormalName(form.Login); form.Login != "" &&
		(!ok || key != current.User.EmailKey && key != current.User.UsernameKey) {
		return form, nil // the client means another account, by login_hint
	}
	form.Account = ui.AccountOf(current)
	form.Login = form.Account.Login
	return form, nil
}

// hinted returns the name of the account that the client means, or "". If the client gave only the account's
// id, the name is returned only in a browser that was signed in to the account before: an attacker could
// otherwise send an id here and read the name on the page.
func (s *Server) hinted(r *http.Request, in *storage.Interaction) (string, error) {
	if name := strings.TrimSpace(in.LoginHint); name != "" || len(in.Subjects) != 1 {
		return name, nil
	}
	u, err := s.Store.User(r.Context(), web.TenantOf(r.Context()).ID, in.Subjects[0])
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !s.KnowsDevice(s.askerOf(r), u) {
		return "", nil
	}
	return ui.AccountOfUser(u).Login, nil
}

// showSignIn fills in what the tenant offers, and shows the form with the status and the alert; "" for none.
func (s *Server) showSignIn(
	w http.ResponseWriter, r *http.Request, status int, in *storage.Interaction, form signInForm, alert string,
) error {
	title := "signin.title"
	if form.Account != nil {
		title = "signin.again"
	}
	form.Forgot = s.resets(r)
	form.Password, form.codeWays = s.askerOf(r).UsesPasswords(), s.codeWays(r)
	form.SignUp = form.Account == nil && s.MaySignUp(s.askerOf(r), false) == nil
	var err error
	v := s.view(w, r, title, in)
	without := "" // the id of an upstream provider that the page leaves out
	if form.Account != nil {
		without, _ = s.staleFrom(r)
		form.ByEmail, err = s.MayProveByCode(r.Context(), s.askerOf(r), storage.MethodEmail, form.Account.User)
		if err != nil {
			return err
		}
	}
	v.Page, v.Alert, v.Upstreams = form, alert, ui.UpstreamsOf(s.Service.Upstreams(web.TenantOf(r.Context())), without)
	if v.Passkey, err = s.signInPasskey(w, r, v, form.Account != nil); err != nil {
		return err
	}
	if v.Passkey != nil {
		v.Passkey.Only = !form.Password && !form.Ways()
	}
	return s.show(w, status, "signin", v)
}

// signIn checks the name and password that the form posts, and signs the user in.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	login, secret := r.PostForm.Get("login"), r.PostForm.Get("password")
	form := signInForm{Login: strings.TrimSpace(login)}
	if r.PostForm.Get("confirm") != "" { // the page asked to confirm an account, not for a name
		if form, err = s.blankForm(r, in); err != nil {
			return err
		}
		if form.Account == nil || form.Account.Login != login {
			form = signInForm{Login: login} // the session ended, or changed, meanwhile
		}
	}
	if form.Login == "" {
		form.LoginError = s.words(r).Must("signin.missing_login")
	}
	if secret == "" {
		form.SecretError = s.words(r).Must("signin.missing_secret")
	}
	if form.LoginError != "" || form.SecretError != "" {
		return s.showSignIn(w, r, http.StatusUnprocessableEntity, in, form, "")
	}
	if len(secret) > password.MaxLength {
		form.SecretError = s.words(r).Must("setup.long", password.MaxLength)
		return s.showSignIn(w, r, http.StatusBadRequest, in, form, "")
	}

	user, err := s.ProvePassword(r.Context(), s.askerFor(r, in), login, secret)
	if err == nil {
		err = s.proven(w, r, in, user, "pwd")
	}
	var early *people.Limited
	switch {
	case err == nil:
		return nil
	case errors.As(err, &early):
		web.Note(r.Context(), "login", "limited")
		w.Header().Set("Retry-After", web.RetryAfter(early.Wait))
		alert := s.words(r).Must("signin.limited", s.words(r).Span(early.Wait))
		return s.showSignIn(w, r, http.StatusTooManyRequests, in, form, alert)
	case errors.Is(err, people.ErrAccountSecured):
		return s.showSignIn(w, r, http.StatusForbidden, in, form, s.words(r).Must("signin.secured"))
	case errors.Is(err, people.ErrWrongPassword), errors.Is(err, storage.ErrNotFound): // deleted since it was read
		return s.showSignIn(w, r, http.StatusUnprocessableEntity, in, form, s.words(r).Must("signin.wrong"))
	case errors.Is(err, argon2id.ErrBusy):
		w.Header().Set("Retry-After", web.RetryAfter(time.Second))
		return s.showSignIn(w, r, http.StatusServiceUnavailable, in, form, s.words(r).Must("signin.busy"))
	}
	return err
}
