package account

import (
	"errors"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
)

// emailForm is what the e-mail page shows.
type emailForm struct {
	ui.FormFaults
	Email     string // the address that counts, or ""
	Confirmed bool
	New       string // as typed
}

// emailPage shows the address and asks for another.
func (s *Server) emailPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.email", a.Account)
	v.Page = emailForm{
		FormFaults: ui.FaultsOf(r), Email: address.Shown(a.User.Email), Confirmed: a.User.EmailVerified,
		New: ui.Typed(r, "email", ""),
	}
	return s.Site.Show(w, http.StatusOK, "account-email", v)
}

// postEmail has a code sent.
func (s *Server) postEmail(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	typed := r.PostForm.Get("email")
	if r.PostForm.Get("this") != "" {
		typed = a.User.Email
	}
	flow, err := s.People.StartEmailChange(r.Context(), s.Site.Asker(r), a.owner, typed)
	if err != nil {
		return s.refuse(w, r, "/account/email", err, "email")
	}
	return ui.SeeOther(w, r, "/account/email/confirm", "flow", flow)
}

// emailConfirmForm is what the page for confirming an address shows.
type emailConfirmForm struct {
	ui.FormFaults
	ui.Again
	Email       string // that is to be confirmed
	Flow, Token string // one of them
}

// emailConfirmPage asks for the code, or for a click from the user who followed the link. It spends
// nothing, because mail scanners follow links too.
func (s *Server) emailConfirmPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	var first *ui.Detour
	if errors.As(err, &first) {
		return s.Site.Tell(w, r, http.StatusOK, "newemail.title", "newemail.elsewhere",
			ui.Link{Page: "/login?next=/account/email", Text: "signin.button"})
	}
	if err != nil {
		return err
	}
	form := emailConfirmForm{FormFaults: ui.FaultsOf(r), Flow: r.FormValue("flow"), Token: r.FormValue("token")}
	awaited, err := s.People.AwaitedEmail(r.Context(), s.Site.Asker(r), a.User,
		people.Proof{Flow: form.Flow, Token: form.Token})
	if errors.Is(err, people.ErrWrongCode) {
		return s.Site.Tell(w, r, http.StatusUnprocessableEntity, "confirm.gone_title", "newemail.gone",
			ui.Link{Page: "/account/email", Text: "newemail.again"})
	}
	if err != nil {
		return err
	}
	form.Email, form.Again = address.Shown(awaited.To), ui.AgainAt(awaited.ResendAt)
	v := s.view(w, r, "newemail.title", a)
	v.Page = form
	return s.Site.Show(w, http.StatusOK, "account-email-confirm", v)
}

// postEmailConfirm changes the address, or sends another code.
func (s *Server) postEmailConfirm(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("resend") != "" {
		flow, err := s.People.ResendEmailChange(r.Context(), s.Site.Asker(r), a.User, r.PostForm.Get("flow"))
		if err != nil {
			return s.refuse(w, r, "/account/email/confirm", err)
		}
		return ui.SeeOther(w, r, "/account/email/confirm", "flow", flow, "sent", "1")
	}
	p := people.Proof{Flow: r.PostForm.Get("flow"), Digits: strings.TrimSpace(r.PostForm.Get("code")),
		Token: r.PostForm.Get("token")}
	if p.Token == "" && p.Digits == "" {
		return s.Site.Refuse(w, r, "/account/email/confirm", people.Invalid("code", "confirm.missing"))
	}
	user, err := s.People.ConfirmEmailChange(r.Context(), s.Site.Asker(r), a.User, p)
	if err != nil {
		return s.refuse(w, r, "/account/email/confirm", err)
	}
	if user.EmailKey == a.User.EmailKey {
		return changed(w, r, "/account", "confirmed")
	}
	return changed(w, r, "/account", "email")
}
