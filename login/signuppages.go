package login

import (
	"errors"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signUpForm is what the page shows on which an account is asked for.
type signUpForm struct {
	ui.FormFaults
	Email, Username string // as typed
	// Invitation is the token of one: its address is fixed.
	Invitation  string
	AskUsername bool
	AskPassword bool
	MinLength   int
}

// signUpPage asks for what an account needs.
func (s *Server) signUpPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	var form signUpForm
	if form.Invitation = r.FormValue("invitation"); form.Invitation != "" {
		form.Email, err = s.invitations.Open(r.Context(), s.askerOf(r), form.Invitation)
		if errors.Is(err, people.ErrAccountExists) {
			return s.tellExists(w, r)
		}
		if err != nil {
			return err
		}
	} else if err := s.MaySignUp(s.askerOf(r), false); err != nil {
		return err
	} else if in != nil {
		if hint, err := address.Claim(in.LoginHint); err == nil {
			form.Email = hint.Shown()
		}
	}
	form.Email, form.Username = ui.Typed(r, "email", form.Email), ui.Typed(r, "username", "")
	form.FormFaults = ui.FaultsOf(r)
	form.AskUsername = web.TenantOf(r.Context()).Settings.SignUp.AskUsername
	form.AskPassword, form.MinLength = s.askerOf(r).UsesPasswords(), s.Policy.Shortest()
	v := s.view(w, r, "signup.title", in)
	v.Page, v.Upstreams = form, ui.UpstreamsOf(s.Service.Upstreams(web.TenantOf(r.Context())), ui.All, false)
	if form.AskPassword {
		ui.AllowRequests(w)
	}
	return s.show(w, http.StatusOK, "signup", v)
}

// signUpPosted takes the form.
func (s *Server) signUpPosted(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	input := people.SignUp{Email: strings.TrimSpace(r.PostForm.Get("email")),
		Username: strings.TrimSpace(r.PostForm.Get("username")), Password: r.PostForm.Get("password")}
	if invitation := r.PostForm.Get("invitation"); invitation != "" {
		user, err := s.invitations.Accept(r.Context(), s.askerOf(r), invitation, input)
		if err == nil {
			return s.registered(w, r, in, user)
		}
		if errors.Is(err, people.ErrAccountExists) {
			return s.tellExists(w, r)
		}
		return s.site.Refuse(w, r, "/signup", err, "username")
	}
	flow, err := s.StartSignUp(r.Context(), s.askerOf(r), input, r.FormValue("i"))
	if err != nil {
		return s.site.Refuse(w, r, "/signup", err, "email", "username")
	}
	return seeOther(w, r, confirmPath, "flow", flow)
}

// registered signs in the user whose account has just been made.
func (s *Server) registered(w http.ResponseWriter, r *http.Request, in *storage.Interaction, user storage.User) error {
	amr := "pwd"
	if !s.askerOf(r).UsesPasswords() {
		amr = "otp"
	}
	return s.proven(w, r, in, user, amr)
}

// tellExists says that there is an account already, to a user who has proven the address.
func (s *Server) tellExists(w http.ResponseWriter, r *http.Request) error {
	return s.say(w, r, http.StatusConflict, "confirm.exists_title", "confirm.exists",
		ui.Link{Page: "/login", Text: "signin.button"}, ui.Link{Page: "/forgot", Text: "forgot.title"})
}

// confirmPath is the page on which an address is confirmed.
const confirmPath = "/signup/confirm"

// confirmForm is what the page shows on which an address is confirmed.
type confirmForm struct {
	ui.FormFaults
	ui.Again
	Email string
	// Flow is whose code is to be typed, or Token what the link brought.
	Flow, Token string
	Username    string
	AskUsername bool // that of the registration is taken
	AskPassword bool // that of the registration does not count here
	MinLength   int
}

// confirmPosted takes the code, or the link's token, or the wish for another code.
func (s *Server) confirmPosted(w http.ResponseWriter, r *http.Request) error {
	if r.PostForm.Get("resend") != "" {
		flow, err := s.Resend(r.Context(), s.askerOf(r), r.PostForm.Get("flow"))
		if err != nil {
			return s.site.Refuse(w, r, confirmPath, err)
		}
		return seeOther(w, r, confirmPath, "flow", flow, "sent", "1")
	}
	p := people.Proof{Flow: r.PostForm.Get("flow"), Digits: strings.TrimSpace(r.PostForm.Get("code")),
		Token: r.PostForm.Get("token")}
	if p.Token == "" && p.Digits == "" {
		return s.site.Refuse(w, r, confirmPath, people.Invalid("code", "confirm.missing"), "username")
	}
	user, letter, err := s.ConfirmSignUp(r.Context(), s.askerOf(r), p,
		people.Completion{Password: r.PostForm.Get("password"), Username: r.PostForm.Get("username")})
	if errors.Is(err, people.ErrAccountExists) {
		return s.tellExists(w, r)
	}
	if err != nil {
		return s.site.Refuse(w, r, confirmPath, err, "username")
	}
	return s.registered(w, r, s.resume(r, letter), user)
}

// confirmPage asks for the code, or, by the link, whether to go on. It spends nothing:
// scanners of mail fetch links too.
func (s *Server) confirmPage(w http.ResponseWriter, r *http.Request) error {
	form := confirmForm{FormFaults: ui.FaultsOf(r), Flow: r.FormValue("flow"), Token: r.FormValue("token"),
		MinLength: s.Policy.Shortest()}
	title := "confirm.title"
	if form.Token != "" {
		title = "confirm.link_title"
	}
	reg, err := s.OpenSignUp(r.Context(), s.askerOf(r), people.Proof{Flow: form.Flow, Token: form.Token})
	if err != nil {
		return ui.CodeGone(err)
	}
	form.AskPassword, form.Again = reg.NeedsPassword, ui.AgainAt(reg.ResendAt)
	form.Email, form.Username = reg.Email, ui.Typed(r, "username", "")
	if form.AskUsername = form.Fault("username") != ""; form.AskUsername && form.Username == "" {
		form.Username = reg.Username
	}
	v := s.view(w, r, title, s.resume(r, reg.Letter))
	v.Page, v.Upstreams = form, ui.UpstreamsOf(s.Service.Upstreams(web.TenantOf(r.Context())), ui.All, false)
	if form.AskPassword {
		ui.AllowRequests(w)
	}
	return s.show(w, http.StatusOK, "confirm", v)
}

// resume returns the client's request that the browser came with, or else that of the letter, with
// which something began in it; nil when there is none, or none any more.
func (s *Server) resume(r *http.Request, letter string) *storage.Interaction {
	if r.FormValue("i") == "" && letter != "" {
		r.Form.Set("i", letter)
	}
	in, err := s.opened(r)
	if err != nil {
		r.Form.Del("i")
		return nil
	}
	return in
}
