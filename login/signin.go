package login

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

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
	ui.FormFaults
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
	return s.showSignIn(w, r, in, form)
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

// showSignIn fills in what the tenant offers, and shows the form.
func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request, in *storage.Interaction, form signInForm) error {
	title := "signin.again"
	if form.Account == nil {
		title, form.Login = "signin.title", ui.Typed(r, "login", form.Login)
	}
	form.FormFaults = ui.FaultsOf(r)
	form.Forgot = s.resets(r)
	form.Password, form.codeWays = s.askerOf(r).UsesPasswords(), s.codeWays(r)
	form.SignUp = form.Account == nil && s.MaySignUp(s.askerOf(r), false) == nil
	var err error
	v := s.view(w, r, title, in)
	v.Alert = cmp.Or(v.Alert, ui.UpstreamAlert(r, s.Service))
	without := "" // the id of an upstream provider that the page leaves out
	if form.Account != nil {
		var stale string
		without, stale = s.staleFrom(r)
		v.Alert = cmp.Or(v.Alert, stale)
		form.ByEmail, err = s.MayProveByCode(r.Context(), s.askerOf(r), storage.MethodEmail, form.Account.User)
		if err != nil {
			return err
		}
	}
	v.Page, v.Upstreams = form, ui.UpstreamsOf(s.Service.Upstreams(web.TenantOf(r.Context())), without)
	if v.Passkey, err = s.signInPasskey(w, r, v, form.Account != nil); err != nil {
		return err
	}
	if v.Passkey != nil {
		v.Passkey.Only = !form.Password && !form.Ways()
	}
	return s.show(w, http.StatusOK, "signin", v)
}

// signIn checks the name and password that the form posts, and signs the user in.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	login, secret := r.PostForm.Get("login"), r.PostForm.Get("password")
	page, err := s.signInPageOf(r, in)
	if err != nil {
		return err
	}
	if err := checkTyped(login, secret); err != nil {
		return s.site.Refuse(w, r, page, err, "login")
	}
	user, err := s.ProvePassword(r.Context(), s.askerFor(r, in), login, secret)
	if err == nil {
		err = s.proven(w, r, in, user, "pwd")
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, people.ErrAccountSecured):
		return s.site.RefuseWith(w, r, page, http.StatusForbidden, s.words(r).Must("signin.secured"), "login")
	case errors.Is(err, people.ErrWrongPassword), errors.Is(err, storage.ErrNotFound): // deleted since it was read
		return s.site.RefuseWith(w, r, page, http.StatusUnprocessableEntity, s.words(r).Must("signin.wrong"), "login")
	}
	return s.site.Refuse(w, r, page, err, "login")
}

// signInPageOf returns the page that a form of the sign-in page came from: the one that asks to confirm an
// account, or the one that asks for a name. If the session has ended or changed meanwhile, it is the latter.
func (s *Server) signInPageOf(r *http.Request, in *storage.Interaction) (string, error) {
	if r.PostForm.Get("confirm") != "" {
		form, err := s.blankForm(r, in)
		if err != nil {
			return "", err
		}
		if login := r.PostForm.Get("login"); form.Account != nil && (login == "" || login == form.Account.Login) {
			return "/login", nil
		}
	}
	return "/login?other=1", nil
}

// checkTyped returns the faults of a name and a password that cannot be an account's.
func checkTyped(login, secret string) error {
	var faults people.Faults
	if strings.TrimSpace(login) == "" {
		faults = append(faults, people.Fault{Field: "login", Text: "signin.missing_login"})
	}
	switch {
	case secret == "":
		faults = append(faults, people.Fault{Field: "password", Text: "signin.missing_secret"})
	case len(secret) > password.MaxLength:
		faults = append(faults, people.Fault{Field: "password", Text: "setup.long", Args: []any{password.MaxLength}})
	}
	if len(faults) == 0 {
		return nil
	}
	return faults
}
