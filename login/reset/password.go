package reset

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// forgotForm is what the page shows on which a new password is asked for.
type forgotForm struct {
	ui.FormFaults
	Login string
}

// forgotPage asks whose password was forgotten.
func (s *Server) forgotPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.Site.Interaction(r)
	if err != nil {
		return err
	}
	if err := s.mayReset(r); err != nil {
		return err
	}
	form := forgotForm{Login: s.TypedName(r)}
	if form.Login == "" && in != nil {
		form.Login = strings.TrimSpace(in.LoginHint)
	}
	form.Login, form.FormFaults = ui.Typed(r, "login", form.Login), ui.FaultsOf(r)
	v := s.Site.View(w, r, "forgot.title", in)
	v.Page = form
	return s.Site.Show(w, http.StatusOK, "forgot", v)
}

// mayReset refuses where users have no passwords, or no code can be sent.
func (s *Server) mayReset(r *http.Request) error {
	if !s.resets(r) {
		return &web.Problem{Status: http.StatusNotFound}
	}
	return nil
}

func (s *Server) resets(r *http.Request) bool { return s.OffersReset(s.Site.Asker(r)) }

// forgotPosted takes the name.
func (s *Server) forgotPosted(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.Site.Interaction(r); err != nil {
		return err
	}
	if err := s.mayReset(r); err != nil {
		return err
	}
	flow, err := s.StartReset(r.Context(), s.Site.Asker(r), strings.TrimSpace(r.PostForm.Get("login")))
	if err != nil {
		return s.Site.Refuse(w, r, "/forgot", err, "login")
	}
	return ui.SeeOther(w, r, "/reset", "flow", flow)
}

// resetForm is what the page shows on which the new password is chosen.
type resetForm struct {
	ui.FormFaults
	ui.Again
	Login       string
	Flow, Token string // see confirmForm
	MinLength   int
	// CodeOnly says that no password is asked for, and Secured that the account waits for
	// the code.
	CodeOnly, Secured bool
}

// resetPosted takes them, or the wish for another code.
func (s *Server) resetPosted(w http.ResponseWriter, r *http.Request) error {
	asker := s.Site.Asker(r)
	if r.PostForm.Get("resend") != "" {
		flow, err := s.ResendReset(r.Context(), asker, r.PostForm.Get("flow"))
		if err != nil {
			return s.Site.Refuse(w, r, "/reset", err)
		}
		return ui.SeeOther(w, r, "/reset", "flow", flow, "sent", "1")
	}
	p := people.Proof{Flow: r.PostForm.Get("flow"), Digits: strings.TrimSpace(r.PostForm.Get("code")),
		Token: r.PostForm.Get("token")}
	if p.Token == "" && p.Digits == "" {
		return s.Site.Refuse(w, r, "/reset", people.Invalid("code", "confirm.missing"))
	}
	done, err := s.ConfirmReset(r.Context(), asker, p, r.PostForm.Get("password"))
	if err != nil {
		return s.Site.Refuse(w, r, "/reset", err)
	}
	s.Site.Keep(w, r, done.Kept)
	browser.SetCookie(w, r, reviewCookie, s.StartReview(asker, done.User), people.ReviewLife)
	if done.Opened {
		return ui.SeeOther(w, r, "/reset/done", "opened", "1")
	}
	return ui.SeeOther(w, r, "/reset/done")
}

// resetPage asks for the code and a new password. Like confirmPage, it spends nothing.
func (s *Server) resetPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.Site.Interaction(r)
	if err != nil {
		return err
	}
	p := people.Proof{Flow: r.FormValue("flow"), Token: r.FormValue("token")}
	reset, gone := s.OpenReset(r.Context(), s.Site.Asker(r), p)
	if gone != nil {
		return ui.CodeGone(gone)
	}
	form := resetForm{
		FormFaults: ui.FaultsOf(r), Again: ui.AgainAt(reset.ResendAt), Login: reset.Login,
		Secured: reset.Secured, CodeOnly: reset.CodeOnly,
		Flow: p.Flow, Token: p.Token, MinLength: s.Policy.Shortest(),
	}
	title := "reset.title"
	if form.CodeOnly {
		title = "notme.open_title"
	}
	v := s.Site.View(w, r, title, in)
	v.Page = form
	ui.AllowRequests(w)
	return s.Site.Show(w, http.StatusOK, "reset", v)
}
