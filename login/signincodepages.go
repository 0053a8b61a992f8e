package login

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// askCodeForm is what the page shows on which a code is asked for.
type askCodeForm struct {
	ui.FormFaults
	codeWays
	Login string
}

// codeWays are the ways in which users can have a code sent to sign in.
type codeWays struct{ ByEmail, ByPhone bool }

// Ways reports whether there are any.
func (c codeWays) Ways() bool { return c.ByEmail || c.ByPhone }

// codeWays returns the ways that the tenant offers.
func (s *Server) codeWays(r *http.Request) codeWays {
	return codeWays{s.OffersCodes(s.askerOf(r), storage.MethodEmail), s.OffersCodes(s.askerOf(r), storage.MethodPhone)}
}

// askCodePage asks who it is.
func (s *Server) askCodePage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	var form askCodeForm
	if in != nil {
		form.Login = strings.TrimSpace(in.LoginHint)
	}
	form.codeWays = s.codeWays(r)
	if !form.Ways() {
		return &web.Problem{Status: http.StatusNotFound}
	}
	form.Login, form.FormFaults = ui.Typed(r, "login", form.Login), ui.FaultsOf(r)
	v := s.view(w, r, "bycode.title", in)
	v.Page = form
	return s.show(w, http.StatusOK, "signin-code", v)
}

// askCodePosted has one sent. The form may be that of the sign-in page.
func (s *Server) askCodePosted(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.interaction(r); err != nil {
		return err
	}
	login := strings.TrimSpace(r.PostForm.Get("login"))
	flow, err := s.StartSignInCode(r.Context(), s.askerOf(r), login, r.PostForm.Get("by"), r.FormValue("i"))
	if err != nil {
		return s.site.Refuse(w, r, "/login/code", err, "login")
	}
	return seeOther(w, r, "/login/code/confirm", "flow", flow)
}

// enterCodeForm is what the page shows on which a code is typed, or a link followed.
type enterCodeForm struct {
	ui.FormFaults
	ui.Again
	Login       string // as typed; by the link, whose account it is
	Flow, Token string // see confirmForm
	Phone       bool
}

// enterCodePosted takes the code, or the wish for another.
func (s *Server) enterCodePosted(w http.ResponseWriter, r *http.Request) error {
	if r.PostForm.Get("resend") != "" {
		flow, err := s.Resend(r.Context(), s.askerOf(r), r.PostForm.Get("flow"))
		if err != nil {
			return s.site.Refuse(w, r, "/login/code/confirm", err)
		}
		return seeOther(w, r, "/login/code/confirm", "flow", flow, "sent", "1")
	}
	p := people.Proof{Flow: r.PostForm.Get("flow"), Digits: strings.TrimSpace(r.PostForm.Get("code")),
		Token: r.PostForm.Get("token")}
	if p.Token == "" && p.Digits == "" {
		return s.site.Refuse(w, r, "/login/code/confirm", people.Invalid("code", "confirm.missing"))
	}
	user, data, err := s.ProveCode(r.Context(), s.askerFor(r, s.resume(r, "")), p)
	if err == nil {
		return s.proven(w, r, s.resume(r, data.Letter), user, data.AMR)
	}
	return s.site.Refuse(w, r, "/login/code/confirm", err)
}

// enterCodePage asks for the code. By the link it asks whether to go on: it spends nothing,
// for scanners of mail fetch links too, and says whose account it is, for a stranger may
// have sent a link of their own.
func (s *Server) enterCodePage(w http.ResponseWriter, r *http.Request) error {
	form := enterCodeForm{FormFaults: ui.FaultsOf(r), Flow: r.FormValue("flow"), Token: r.FormValue("token")}
	data, err := s.OpenSignInCode(r.Context(), s.askerOf(r), people.Proof{Flow: form.Flow, Token: form.Token})
	form.Login, form.Phone, form.Again = data.Login, data.Phone, ui.AgainAt(data.ResendAt)
	title := "confirm.title"
	switch {
	case form.Token != "":
		title = "signin.title"
	case form.Phone:
		title = "bycode.phone_title"
	}
	if err != nil {
		return ui.CodeGone(err)
	}
	v := s.view(w, r, title, s.resume(r, data.Letter))
	v.Page = form
	return s.show(w, http.StatusOK, "signin-enter", v)
}
