package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// factorPasskey is the form for a passkey on the page that asks for a second factor, or nil.
func (s *Server) factorPasskey(w http.ResponseWriter, v *view, m people.Missing, form secondFactorForm) *passkeyForm {
	if m.Passkeys == 0 {
		return nil
	}
	ui.AllowScripts(w)
	f := &passkeyForm{Action: "/second-factor/passkey", Options: v.Link("/second-factor/passkey"),
		Only:   !form.TOTP && !form.Recovery,
		Button: v.Words.Must("passkey.factor"), Fault: v.Words.Must("passkey.failed")}
	if f.Only { // else the form above asks
		f.Remember = form.Remember
	}
	return f
}

// passkeyAsked is who is asked for a passkey as a second factor, and what they lack. They
// lack nothing when ok is false: the page says what comes next.
func (s *Server) passkeyAsked(r *http.Request, in *storage.Interaction) (c people.Claimant,
	m people.Missing, ok bool, err error) {
	if c, err = s.claimant(r, in); err != nil {
		return c, m, false, err
	}
	m = s.missingFactor(r, in, c, true)
	return c, m, m.ACR != "" && m.Passkeys > 0, nil
}

// factorPasskeyOptions gives the page's script a challenge for the passkeys of whom it asks.
func (s *Server) factorPasskeyOptions(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, _, ok, err := s.passkeyAsked(r, in)
	if errors.Is(err, people.ErrNoClaimant) || err == nil && !ok {
		return s.toSecondFactor(w, r, in) // the script follows
	}
	if err != nil {
		return err
	}
	challenge, err := s.StartPasskey(r.Context(), s.askerOf(r), passkey.Factor, browser.Binding(w, r), &c.User)
	if errors.Is(err, people.ErrWrongPasskey) { // removed this very moment
		return &web.Problem{Status: http.StatusConflict, Err: err}
	}
	if err != nil {
		return err
	}
	return ui.SendJSON(w, challenge)
}

// secondFactorByPasskey takes the answer that the script posts.
func (s *Server) secondFactorByPasskey(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, m, ok, err := s.passkeyAsked(r, in)
	if errors.Is(err, people.ErrNoClaimant) || err == nil && !ok {
		return s.toSecondFactor(w, r, in)
	}
	if err != nil {
		return err
	}
	_, amr, err := s.ProvePasskey(r.Context(), s.askerFor(r, in), passkey.Factor,
		people.PasskeyProof{Bound: browser.Bindings(r), State: r.PostForm.Get("state"), Answer: r.PostForm.Get("answer")},
		&c.User)
	if status, alert := s.passkeyFault(w, r, err); alert != "" {
		return s.showSecondFactor(w, r, status, in, c, m, secondFactorForm{Alert: alert})
	}
	if err == nil {
		err = s.raise(w, r, in, c, r.PostForm.Get("remember") != "", amr...)
	}
	if errors.Is(err, people.ErrNoClaimant) {
		return s.startOver(w, r, in)
	}
	if err != nil {
		return err
	}
	return s.onward(w, r, in)
}
