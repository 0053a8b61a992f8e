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
	Login string // as typed, or as the client hints
	// Account is who is signed in already and has to prove it again; nil when the page
	// asks who it is.
	Account *ui.Account
	// LoginError and SecretError stand beside the fields.
	LoginError, SecretError string
	// SignUp and Forgot say whether the pages for it are there for everybody.
	SignUp, Forgot bool
	// Password says whether people have one here; codeWays what else they can do.
	Password bool
	codeWays
}

// PhoneOnly says that a name is asked for to send a code to a phone, and for nothing else.
func (f signInForm) PhoneOnly() bool { return f.ByPhone && !f.Password && !f.ByEmail }

// signInPage asks for name and password.
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
		return s.goOn(w, r, nil) // signed in, and nobody asks for it again
	}
	alert := ui.UpstreamAlert(r, s.Service)
	if alert == "" && form.Account != nil {
		_, alert = s.staleFrom(r)
	}
	return s.showSignIn(w, r, http.StatusOK, in, form, alert)
}

// blankForm is the form before anything was typed. The account that is signed in is
// only asked to confirm; anybody else can be named by ?other.
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
			return form, nil // the client means somebody else, and can say so for certain
		}
	} else if key, ok := people.NormalName(form.Login); form.Login != "" && (!ok || key != current.User.EmailKey && key != current.User.UsernameKey) {
		return form, nil // the client means somebody else
	}
	form.Account = ui.AccountOf(current)
	form.Login = form.Account.Login
	return form, nil
}

// hinted is the name of whom the client means, or "". A hint that is no more than an
// account's id is answered with its name only in a browser that was signed in to it before:
// anybody can send a browser here with an id, and look at what the page says.
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

func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request, status int, in *storage.Interaction, form signInForm, alert string) error {
	title := "signin.title"
	if form.Account != nil {
		title = "signin.again"
	}
	form.Forgot = s.resets(r)
	form.Password, form.codeWays = s.askerOf(r).UsesPasswords(), s.codeWays(r)
	form.SignUp = form.Account == nil && s.MaySignUp(s.askerOf(r), false) == nil
	var err error
	v := s.view(w, r, title, in)
	without := "" // a provider that is not to be offered
	if form.Account != nil {
		without, _ = s.staleFrom(r)
		if form.ByEmail, err = s.MayProveByCode(r.Context(), s.askerOf(r), storage.MethodEmail, form.Account.User); err != nil {
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

// signIn takes name and password.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	login, secret := r.PostForm.Get("login"), r.PostForm.Get("password")
	form := signInForm{Login: strings.TrimSpace(login)}
	if r.PostForm.Get("confirm") != "" { // the page did not ask who it is
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
		return s.showSignIn(w, r, http.StatusTooManyRequests, in, form, s.words(r).Must("signin.limited", s.words(r).Span(early.Wait)))
	case errors.Is(err, people.ErrAccountSecured):
		return s.showSignIn(w, r, http.StatusForbidden, in, form, s.words(r).Must("signin.secured"))
	case errors.Is(err, people.ErrWrongPassword), errors.Is(err, storage.ErrNotFound): // removed this very moment
		return s.showSignIn(w, r, http.StatusUnprocessableEntity, in, form, s.words(r).Must("signin.wrong"))
	case errors.Is(err, argon2id.ErrBusy):
		w.Header().Set("Retry-After", web.RetryAfter(time.Second))
		return s.showSignIn(w, r, http.StatusServiceUnavailable, in, form, s.words(r).Must("signin.busy"))
	}
	return err
}

// proven is where every way of signing in ends: the user has just proven the account by amr
// (RFC 8176), and the browser goes on.
func (s *Server) proven(w http.ResponseWriter, r *http.Request, in *storage.Interaction, user storage.User, amr ...string) error {
	return s.provenSince(w, r, in, user, time.Now(), amr...)
}

// provenSince is proven for a user who gave the proof then, elsewhere. A second factor that is
// asked for is given now.
func (s *Server) provenSince(w http.ResponseWriter, r *http.Request, in *storage.Interaction, user storage.User, since time.Time, amr ...string) error {
	a := s.askerFor(r, in)
	c, err := s.Prove(r.Context(), a, user, since, amr...)
	if err != nil {
		return err
	}
	done, err := s.SignIn(r.Context(), a, c, s.factorWish(r, in, c, false))
	if err != nil {
		return err
	}
	s.site.Keep(w, r, done.Kept)
	if done.Missing.ACR != "" {
		return s.toSecondFactor(w, r, in)
	}
	s.forgetStale(w, r, since)
	return s.onward(w, r, in)
}

// onward is goOn, by way of the page that links an identity if the user signed in for that.
func (s *Server) onward(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	if s.waitsToLink(r) {
		return seeOther(w, r, "/federated/link")
	}
	return s.goOn(w, r, in)
}
