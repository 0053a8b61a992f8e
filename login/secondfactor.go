package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// secondFactorPath is the page that asks for a second factor.
const secondFactorPath = "/second-factor"

// secondFactorForm is what the page shows that asks for a second factor.
type secondFactorForm struct {
	Account  *ui.Account
	Recovery bool // it asks for a recovery code
	// TOTP and Codes say what else the person could use.
	TOTP, Codes bool
	// Unreachable: nothing that they could use or set up here would do.
	Unreachable bool
	Passkeys    bool // one could be added that would
	// Remember says for how long the device can be remembered; "" when it cannot.
	Remember string
	Fault    string
	Alert    string // above it all
}

// secondFactorPage asks for what is missing, and only that.
func (s *Server) secondFactorPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.claimant(r, in)
	if errors.Is(err, people.ErrNoClaimant) {
		return s.startOver(w, r, in)
	}
	if err != nil {
		return err
	}
	m := s.missingFactor(r, in, c, true)
	switch {
	case m.ACR == "" && !c.IsSignedIn(): // the rules changed, or their second factor was taken away
		return s.startOver(w, r, in)
	case m.ACR == "":
		return s.goOn(w, r, in)
	case m.None() && storage.ReachesACR(storage.ACRMultiFactor, m.ACR) && !storage.HasSecondFactor(c.Creds):
		return s.forward(w, r, in, enrolPath)
	}
	return s.showSecondFactor(w, r, http.StatusOK, in, c, m, secondFactorForm{Recovery: r.FormValue("recovery") != ""})
}

func (s *Server) showSecondFactor(w http.ResponseWriter, r *http.Request, status int, in *storage.Interaction, c people.Claimant, m people.Missing, form secondFactorForm) error {
	form.Account = ui.AccountOfUser(c.User)
	form.TOTP, form.Codes, form.Unreachable = m.TOTP, m.Recovery > 0, m.None()
	form.Passkeys = form.Unreachable && s.OffersPasskeys(s.askerOf(r))
	form.Recovery = form.Codes && (form.Recovery || !form.TOTP && m.Passkeys == 0)
	// A remembered device says nothing to who asks for the factor itself.
	v := s.view(w, r, "factor.title", in)
	if d := s.askerOf(r).RememberedFor(); d > 0 && !c.IsSignedIn() && storage.ReachesACR(storage.ACRRemembered, m.ACR) {
		form.Remember = v.Words.Long(d)
	}
	v.Page, v.Alert, v.Passkey = form, form.Alert, s.factorPasskey(w, v, m, form)
	return s.show(w, status, "secondfactor", v)
}

// secondFactor takes the digits of an app, or a recovery code.
func (s *Server) secondFactor(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.claimant(r, in)
	if errors.Is(err, people.ErrNoClaimant) {
		return s.startOver(w, r, in)
	}
	if err != nil {
		return err
	}
	m := s.missingFactor(r, in, c, true)
	if m.ACR == "" && c.IsSignedIn() {
		return s.goOn(w, r, in)
	}
	form := secondFactorForm{Recovery: r.PostForm.Get("kind") == "recovery"}
	switch code := r.PostForm.Get("code"); {
	case form.Recovery && m.Recovery > 0:
		err = s.ProveRecovery(r.Context(), s.askerOf(r), c.User, code)
	case !form.Recovery && m.TOTP:
		err = s.ProveTOTP(r.Context(), s.askerOf(r), c.User, code)
	default: // what they have changed meanwhile, or would not do
		return s.toSecondFactor(w, r, in)
	}
	if err == nil {
		err = s.raise(w, r, in, c, r.PostForm.Get("remember") != "", "otp")
	}
	var early *limited
	var wrong invalid
	switch {
	case err == nil:
		return s.onward(w, r, in)
	case errors.Is(err, people.ErrNoClaimant):
		return s.startOver(w, r, in)
	case errors.As(err, &early):
		web.Note(r.Context(), "login", "limited")
		w.Header().Set("Retry-After", web.RetryAfter(early.Wait))
		form.Fault = s.words(r).Must("signin.limited", s.words(r).Span(early.Wait))
		return s.showSecondFactor(w, r, http.StatusTooManyRequests, in, c, m, form)
	case errors.As(err, &wrong):
		form.Fault = ui.FaultAt(s.words(r), wrong, "code")
		return s.showSecondFactor(w, r, http.StatusUnprocessableEntity, in, c, m, form)
	}
	return err
}
