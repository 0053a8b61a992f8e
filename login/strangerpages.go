package login

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/storage"
)

// strangerForm is what the pages show on which a stranger proves something.
type strangerForm struct {
	ui.FormFaults
	ui.Again
	Provider string
	Email    string
	There    string // what the account there is called
	Account  *ui.Account
	Flow     string
	Token    string
}

// needStranger returns the stranger who waits in this browser, and the client's request.
func (s *Server) needStranger(r *http.Request) (*storage.Interaction, *federation.Stranger, error) {
	in, err := s.interaction(r)
	if err != nil {
		return nil, nil, err
	}
	who := s.strangerHere(r)
	if who == nil {
		return nil, nil, federation.Lost("no identity waits in this browser, or it waited too long")
	}
	return in, who, nil
}

// showStranger shows a form.
func (s *Server) showStranger(
	w http.ResponseWriter, r *http.Request, page, title string, in *storage.Interaction, who *federation.Stranger,
	form strangerForm,
) error {
	form.Provider, _ = s.upstreamName(r, who.Upstream)
	form.FormFaults = ui.FaultsOf(r)
	v := s.view(w, r, title, in)
	v.Page = form
	return s.show(w, http.StatusOK, page, v)
}

// strangerEmailPage asks for an address that a code can be sent to.
func (s *Server) strangerEmailPage(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	return s.showStranger(w, r, "strangeremail", "federated.email_title", in, who,
		strangerForm{Email: ui.Typed(r, "email", who.Email)})
}

// strangerEmail sends a code there. The answer is the same whether or not an account has the address.
func (s *Server) strangerEmail(w http.ResponseWriter, r *http.Request) error {
	_, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	email := strings.TrimSpace(r.PostForm.Get("email"))
	flow, err := s.Federation.SendCode(r.Context(), s.askerOf(r), who, email, r.FormValue("i"))
	if err != nil {
		return s.site.Refuse(w, r, "/federated/email", err, "email")
	}
	return seeOther(w, r, "/federated/confirm", "flow", flow)
}

// strangerCodePage asks for the code, or for a click when its link was followed: a mail scanner that
// follows the link spends nothing.
func (s *Server) strangerCodePage(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	form := strangerForm{Flow: r.FormValue("flow"), Token: r.FormValue("token")}
	if form.Token == "" {
		at, err := s.Federation.CodeResendAt(r.Context(), s.askerOf(r), who, form.Flow)
		if err != nil && !errors.Is(err, people.ErrWrongCode) { // that the form says, when it is sent
			return err
		}
		form.Again = ui.AgainAt(at)
	}
	title := "federated.code_title"
	if form.Token != "" {
		title = "federated.email_title"
	}
	return s.showStranger(w, r, "strangercode", title, in, who, form)
}

// strangerCode takes the code, or the link's token, or the wish for another code.
func (s *Server) strangerCode(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	if who.Proven != "" { // proven already, and what is asked for now is another thing
		return seeOther(w, r, "/federated/link")
	}
	if r.PostForm.Get("resend") != "" {
		flow, err := s.Federation.ResendCode(r.Context(), s.askerOf(r), who, r.PostForm.Get("flow"), r.FormValue("i"))
		if err != nil {
			return s.site.Refuse(w, r, "/federated/confirm", err)
		}
		return seeOther(w, r, "/federated/confirm", "flow", flow, "sent", "1")
	}
	pr := people.Proof{Flow: r.PostForm.Get("flow"), Digits: r.PostForm.Get("code"), Token: r.PostForm.Get("token")}
	ar, err := s.Federation.Confirm(r.Context(), s.askerOf(r), who, pr)
	if ui.IsRefusal(err) {
		return s.site.Refuse(w, r, "/federated/confirm", err)
	}
	return s.settle(w, r, in, ar, err)
}

// linkPage asks a user who has signed in since whether the identity is to be linked to that account,
// and any other user to sign in.
func (s *Server) linkPage(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	form := strangerForm{Email: who.Proven, There: cmp.Or(who.Email, who.Profile.Name, who.Subject)}
	title := "federated.account_title"
	if a, err := s.Sessions.Current(r); err == nil && a.AuthTime.After(who.Born) {
		form.Account, title = ui.AccountOf(a), "federated.link_title"
	} else if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	} else if who.Proven == "" { // Back, or an old tab: which account it is is not known yet
		return seeOther(w, r, "/federated/email")
	}
	return s.showStranger(w, r, "link", title, in, who, form)
}

// link links the identity that waits to the account that the user has signed in to since.
func (s *Server) link(w http.ResponseWriter, r *http.Request) error {
	in, who, err := s.needStranger(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("answer") == "link" {
		a, err := s.Sessions.Current(r)
		if errors.Is(err, storage.ErrNotFound) || err == nil && a.ID != r.PostForm.Get("session") {
			return seeOther(w, r, "/federated/link")
		}
		if err != nil {
			return err
		}
		by := federation.Linking{User: a.User, ProvenAt: a.AuthTime, ACR: a.ACR}
		switch err := s.Federation.LinkStranger(r.Context(), s.askerOf(r), by, who); {
		case errors.Is(err, federation.ErrProveAccount):
			return seeOther(w, r, "/federated/link")
		case errors.Is(err, people.ErrFactorFirst):
			return s.toSecondFactor(w, r, in)
		case err != nil:
			return s.identityTaken(r, who.Upstream, err)
		}
	}
	if err := s.keepStranger(w, r, nil); err != nil {
		return err
	}
	return s.goOn(w, r, in)
}
