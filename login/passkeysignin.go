package login

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// errNoPasskeys is the answer where none can be used.
var errNoPasskeys = &web.Problem{Status: http.StatusNotFound,
	Developer: "Passkeys aren't offered here: the tenant's sign_in.methods leave them out, or its " +
		"issuer has no host name."}

// signInPasskey returns the form on the sign-in page, or nil. If the page asks a user who is signed
// in to confirm that, the form is there if the user has a passkey for it.
func (s *Server) signInPasskey(w http.ResponseWriter, r *http.Request, v *view, form signInForm) (*passkeyForm, error) {
	if !form.Offers.Passkey {
		return nil, nil
	}
	f := &passkeyForm{Action: "/login/passkey", Options: v.Path + "/login/passkey", Button: v.Words.Must("passkey.button"),
		Fault: v.Words.Must("passkey.failed"), Autofill: form.Account == nil, Only: !form.NameNeeded()}
	if form.As != "" {
		f.Action += "?as=" + url.QueryEscape(form.As)
	}
	if form.Account != nil {
		f.Options, f.Confirm, f.Button = f.Options+"?confirm=1", true, v.Words.Must("passkey.confirm")
	}
	ui.AllowRequests(w)
	return f, nil
}

// confirming is who has to confirm that it is them, or nil when the page asks who it is.
func (s *Server) confirming(r *http.Request) (*storage.User, error) {
	if r.FormValue("confirm") == "" {
		return nil, nil
	}
	a, err := s.Sessions.Current(r)
	if err != nil {
		return nil, err
	}
	return &a.User, nil
}

// passkeyOptions gives the sign-in page's script a challenge.
func (s *Server) passkeyOptions(w http.ResponseWriter, r *http.Request) error {
	if !s.OffersPasskeys(s.askerOf(r)) {
		return errNoPasskeys
	}
	user, err := s.confirming(r)
	var c passkey.Challenge
	if err == nil {
		c, err = s.StartPasskey(r.Context(), s.askerOf(r), passkey.SignIn, browser.Binding(w, r), user)
	}
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, people.ErrWrongPasskey) { // signed out meanwhile, or removed
		return &web.Problem{Status: http.StatusConflict, Err: err}
	}
	if err != nil {
		return err
	}
	return ui.SendJSON(w, c)
}

// signInByPasskey takes the answer that the script posts.
func (s *Server) signInByPasskey(w http.ResponseWriter, r *http.Request) error {
	if !s.OffersPasskeys(s.askerOf(r)) {
		return errNoPasskeys
	}
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	asked, err := s.confirming(r)
	var user storage.User
	var amr []string
	if err == nil {
		user, amr, err = s.ProvePasskey(r.Context(), s.askerFor(r, in), passkey.SignIn,
			people.PasskeyProof{Bound: browser.Bindings(r), State: r.PostForm.Get("state"),
				Answer: r.PostForm.Get("answer")}, asked)
	}
	if err == nil {
		err = s.proven(w, r, in, user, amr...)
	}
	if errors.Is(err, storage.ErrNotFound) { // signed out, or removed, this very moment
		err = people.ErrWrongPasskey
	}
	if err == nil {
		return nil
	}
	page, err2 := s.signInPageOf(r, in)
	if err2 != nil {
		return err2
	}
	return s.refusePasskey(w, r, page, err)
}

// refusePasskey sends the browser back to the page if a passkey proved nothing. It returns other errors.
func (s *Server) refusePasskey(w http.ResponseWriter, r *http.Request, page string, err error) error {
	switch {
	case errors.Is(err, people.ErrWrongPasskey):
		return s.site.RefuseWith(w, r, page, http.StatusUnprocessableEntity, s.words(r).Must("passkey.wrong"))
	case errors.Is(err, people.ErrLatePasskey):
		return s.site.RefuseWith(w, r, page, http.StatusUnprocessableEntity, s.words(r).Must("passkey.late"))
	}
	return s.site.Refuse(w, r, page, err)
}
