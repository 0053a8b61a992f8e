package login

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// forgotForm is what the page shows on which a new password is asked for.
type forgotForm struct {
	formFaults
	Login string
}

// forgotPage asks whose password was forgotten.
func (s *Server) forgotPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	var form forgotForm
	if in != nil {
		form.Login = strings.TrimSpace(in.LoginHint)
	}
	return s.showForgot(w, r, in, form, nil)
}

func (s *Server) showForgot(w http.ResponseWriter, r *http.Request, in *storage.Interaction, form forgotForm, err error) error {
	if err := s.mayReset(r); err != nil {
		return err
	}
	status, alert := s.again(w, r, err)
	if status == 0 {
		return err
	}
	form.formFaults = s.faultsOf(r, err)
	v := s.view(w, r, "forgot.title", in)
	v.Page, v.Alert = form, alert
	return s.show(w, status, "forgot", v)
}

// mayReset refuses where people have no passwords, or no code can be sent.
func (s *Server) mayReset(r *http.Request) error {
	if !s.resets(r) {
		return &web.Problem{Status: http.StatusNotFound}
	}
	return nil
}

func (s *Server) resets(r *http.Request) bool { return usesPasswords(r) && s.Mail.Sends() }

// forgotPosted takes the name.
func (s *Server) forgotPosted(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	if err := s.mayReset(r); err != nil {
		return err
	}
	form := forgotForm{Login: strings.TrimSpace(r.PostForm.Get("login"))}
	flow, err := s.startReset(r, form.Login)
	if err != nil {
		return s.showForgot(w, r, in, form, err)
	}
	return seeOther(w, r, "/reset", "flow", flow)
}

// resetForm is what the page shows on which the new password is chosen.
type resetForm struct {
	formFaults
	Login       string
	Flow, Token string // see confirmForm
	Code        string // as typed
	MinLength   int
	// CodeOnly says that no password is asked for, and Secured that the account waits for
	// the code.
	CodeOnly, Secured bool
}

// resetPage asks for the code and a new password. Like confirmPage, it spends nothing.
func (s *Server) resetPage(w http.ResponseWriter, r *http.Request) error {
	return s.showReset(w, r, nil)
}

// resetPosted takes them, or the wish for another code.
func (s *Server) resetPosted(w http.ResponseWriter, r *http.Request) error {
	if r.PostForm.Get("resend") != "" {
		flow, err := s.resend(r, r.PostForm.Get("flow"))
		if err != nil {
			return s.showReset(w, r, err)
		}
		return seeOther(w, r, "/reset", "flow", flow)
	}
	p := proof{Flow: r.PostForm.Get("flow"), Digits: strings.TrimSpace(r.PostForm.Get("code")), Token: r.PostForm.Get("token")}
	if p.Token == "" && p.Digits == "" {
		return s.showReset(w, r, invalidf("code", "confirm.missing"))
	}
	codeOnly := s.codeOnly(r, p)
	user, err := s.confirmReset(r, p, r.PostForm.Get("password"))
	if err != nil {
		return s.showReset(w, r, err)
	}
	// They sign in here next, whatever strangers guess meanwhile.
	s.devices.Remember(w, r, deviceOf(user))
	s.mayReview(w, r, user)
	if codeOnly {
		return seeOther(w, r, "/reset/done", "opened", "1")
	}
	return seeOther(w, r, "/reset/done")
}

func (s *Server) showReset(w http.ResponseWriter, r *http.Request, err error) error {
	status, alert := s.again(w, r, err)
	if status == 0 {
		return err
	}
	in, err2 := s.interaction(r)
	if err2 != nil {
		return err2
	}
	form := resetForm{formFaults: s.faultsOf(r, err), Flow: r.FormValue("flow"), Token: r.FormValue("token"), Code: strings.TrimSpace(r.PostForm.Get("code")), MinLength: s.Policy.Shortest()}
	var data resetting
	if form.Token != "" {
		if _, err = s.tryCode(r, storage.CodeReset, proof{Token: form.Token}, &data); err == nil {
			form.Login = data.Email
		}
	} else {
		if err = s.flow(r, storage.CodeReset, form.Flow, &data); err == nil && !isBrowser(r, data.Browser) {
			err = errWrongCode
		}
		form.Login = data.Login
	}
	if err != nil {
		return s.gone(r, err)
	}
	title := "reset.title"
	// Who only asked for a code learns nothing of the account by it.
	form.Secured = data.Secured
	if form.CodeOnly = data.CodeOnly && (data.Secured || form.Token != ""); form.CodeOnly {
		title = "notme.open_title"
	}
	v := s.view(w, r, title, in)
	v.Page, v.Alert = form, alert
	ui.AllowScripts(w)
	return s.show(w, status, "reset", v)
}
