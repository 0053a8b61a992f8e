package login

import (
	"errors"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signIn takes the forms of the sign-in page. A name alone leads to the page that asks for more. A name and a password
// sign the user in, from that page or, for programs, from the first one.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	page, err := s.signInPageOf(r, in)
	if err != nil {
		return err
	}
	login, secret := r.PostForm.Get("login"), r.PostForm.Get("password")
	first := !r.PostForm.Has("password") && r.PostForm.Get("confirm") == ""
	if err := checkTyped(login, secret, first); err != nil {
		return s.site.Refuse(w, r, page, err)
	}
	if first {
		return seeOther(w, r, page)
	}
	user, err := s.ProvePassword(r.Context(), s.askerFor(r, in), login, secret)
	if err == nil {
		err = s.proven(w, r, in, user, "pwd")
	}
	var wrong *people.WrongPassword
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return s.site.Refuse(w, r, page, wrongPassword(wrong.Left))
	case errors.Is(err, storage.ErrNotFound): // deleted since it was read
		return s.site.Refuse(w, r, page, people.Invalid("password", "signin.wrong"))
	case errors.Is(err, people.ErrAccountSecured):
		return s.site.RefuseWith(w, r, page, http.StatusForbidden, s.words(r).Must("signin.secured"))
	}
	return s.site.Refuse(w, r, page, err)
}

// signInPageOf returns the page that shows the form again that was posted from a sign-in page: the one that asks to
// confirm an account, or the one that asks for the password of the name that was typed, or the first one.
// If the session has ended or changed meanwhile, there is no account to confirm.
func (s *Server) signInPageOf(r *http.Request, in *storage.Interaction) (string, error) {
	login := r.PostForm.Get("login")
	if r.PostForm.Get("confirm") != "" {
		form, err := s.blankForm(r, in)
		if err != nil {
			return "", err
		}
		if form.Account != nil && (login == "" || login == form.Account.Login) {
			return "/login", nil
		}
	}
	if strings.TrimSpace(login) == "" {
		login = s.TypedName(r)
	}
	if login == "" {
		return "/login?other=1", nil
	}
	return "/login?as=" + s.sealName(r, login), nil
}

// checkTyped returns the faults of a name and a password that cannot be an account's. The first page has no field
// for a password.
func checkTyped(login, secret string, first bool) error {
	switch {
	case strings.TrimSpace(login) == "":
		return people.Invalid("login", "signin.missing_login")
	case first:
		return nil
	case secret == "":
		return people.Invalid("password", "signin.missing_secret")
	case len(secret) > password.MaxLength:
		return people.Invalid("password", "setup.long", password.MaxLength)
	}
	return nil
}

// fewTries is how many tries are left when the page begins to say so.
const fewTries = 2

// wrongPassword returns the fault of a wrong password, after which so many tries are left.
func wrongPassword(left int64) error {
	switch {
	case left <= 0:
		return people.Invalid("password", "signin.wrong_last")
	case left <= fewTries:
		return people.Invalid("password", "signin.wrong_left", int(left))
	}
	return people.Invalid("password", "signin.wrong")
}
