package login

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// secondFactorForm is what the page shows that asks for a second factor.
type secondFactorForm struct {
	Account  *ui.Account
	Recovery bool // it asks for a recovery code
	// TOTP and Codes say what else the user could use.
	TOTP, Codes bool
	// Unreachable: nothing that they could use or set up here would do.
	Unreachable bool
	Passkeys    bool // one could be added that would
	// Remember says for how long the device can be remembered; "" when it cannot.
	Remember string
	Fault    string
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
	return s.showSecondFactor(w, r, in, c, m)
}

// showSecondFactor shows the page that asks for one of the factors that are missing, or says that there is none that
// works here.
func (s *Server) showSecondFactor(w http.ResponseWriter, r *http.Request, in *storage.Interaction,
	c people.Claimant, m people.Missing,
) error {
	form := secondFactorForm{Recovery: r.FormValue("recovery") != "", Fault: ui.FaultsOf(r).Fault("code")}
	form.Account = ui.AccountOfUser(c.User)
	form.TOTP, form.Codes, form.Unreachable = m.TOTP, m.Recovery > 0, m.None()
	form.Passkeys = form.Unreachable && s.OffersPasskeys(s.askerOf(r))
	form.Recovery = form.Codes && (form.Recovery || !form.TOTP && m.Passkeys == 0)
	// A remembered device says nothing to who asks for the factor itself.
	v := s.view(w, r, "factor.title", in)
	if d := s.askerOf(r).RememberedFor(); d > 0 && !c.IsSignedIn() && storage.ReachesACR(storage.ACRRemembered, m.ACR) {
		form.Remember = v.Words.Long(d)
	}
	v.Page, v.Passkey = form, s.factorPasskey(w, v, m, form)
	return s.show(w, http.StatusOK, "secondfactor", v)
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
	next, page, recovery := "", secondFactorPath, r.PostForm.Get("kind") == "recovery"
	if recovery {
		page += "?recovery=1"
	}
	switch code := r.PostForm.Get("code"); {
	case recovery && m.Recovery > 0:
		err = s.ProveRecovery(r.Context(), s.askerOf(r), c.User, code)
	case !recovery && m.TOTP:
		err = s.ProveTOTP(r.Context(), s.askerOf(r), c.User, code)
	default: // what they have changed meanwhile, or would not do
		return s.toSecondFactor(w, r, in)
	}
	if err == nil {
		next, err = s.raise(w, r, in, c, r.PostForm.Get("remember") != "", "otp")
	}
	switch {
	case err == nil:
		return s.onwardBy(w, r, in, next)
	case errors.Is(err, people.ErrNoClaimant):
		return s.startOver(w, r, in)
	}
	return s.site.Refuse(w, r, page, err)
}

// factorPasskey returns the form for a passkey on the page that asks for a second factor, or nil.
func (s *Server) factorPasskey(w http.ResponseWriter, v *view, m people.Missing, form secondFactorForm) *passkeyForm {
	if m.Passkeys == 0 {
		return nil
	}
	ui.AllowRequests(w)
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

// factorPasskeyOptions gives the page's script a challenge for the passkeys of the user who is
// asked for a second factor.
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
	c, _, ok, err := s.passkeyAsked(r, in)
	if errors.Is(err, people.ErrNoClaimant) || err == nil && !ok {
		return s.toSecondFactor(w, r, in)
	}
	if err != nil {
		return err
	}
	_, amr, err := s.ProvePasskey(r.Context(), s.askerFor(r, in), passkey.Factor,
		people.PasskeyProof{Bound: browser.Bindings(r), State: r.PostForm.Get("state"), Answer: r.PostForm.Get("answer")},
		&c.User)
	next := ""
	if err == nil {
		next, err = s.raise(w, r, in, c, r.PostForm.Get("remember") != "", amr...)
	}
	switch {
	case err == nil:
		return s.onwardBy(w, r, in, next)
	case errors.Is(err, people.ErrNoClaimant):
		return s.startOver(w, r, in)
	}
	return s.refusePasskey(w, r, secondFactorPath, err)
}

// enrolPath is the page on which a user sets up an authenticator app on the way to a token.
const enrolPath = "/second-factor/setup"

// enrolling returns the claimant who has to set up an authenticator app, because no factor that the claimant
// has would do. Otherwise it returns a detour or people.ErrNoClaimant.
func (s *Server) enrolling(r *http.Request, in *storage.Interaction) (people.Claimant, error) {
	c, err := s.claimant(r, in)
	if err != nil {
		return c, err
	}
	switch m := s.missingFactor(r, in, c, false); {
	case storage.HasSecondFactor(c.Creds), !m.None(), m.ACR == "": // another page asks for it, or nothing is missing
		return c, &detour{To: s.elsewhere(r, in, secondFactorPath)}
	case c.IsSignedIn() && !people.IsFresh(c.Session.AuthTime):
		return c, &detour{To: s.elsewhere(r, in, "/login")}
	}
	return c, nil
}

// enrolPage shows a new secret for an authenticator app.
func (s *Server) enrolPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.enrolling(r, in)
	if err != nil {
		return s.turn(w, r, in, err)
	}
	if r.FormValue("app") == "" && s.OffersPasskeys(s.askerOf(r)) {
		return s.showEnrolChoice(w, r, in, c)
	}
	v := s.view(w, r, "enrol.title", in)
	setup := s.ResumeTOTPSetup(c.User, ui.Typed(r, "setup", ""))
	return s.site.ShowApp(w, r, v, c.User, setup, ui.AppForm{Action: v.Path + enrolPath, Demand: true})
}

// enrol takes the first digits of the app. From then on the user has a second factor. The recovery codes are
// shown once.
func (s *Server) enrol(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.enrolling(r, in)
	if err != nil {
		return s.turn(w, r, in, err)
	}
	codes, err := s.EnrolTOTP(r.Context(), s.askerOf(r), c, r.PostForm.Get("setup"), r.PostForm.Get("code"))
	switch {
	case errors.Is(err, people.ErrOldSetup):
		return s.site.Refuse(w, r, enrolPath+"?app=1", people.Invalid("code", "enrol.old"))
	case ui.IsRefusal(err):
		return s.site.Refuse(w, r, enrolPath+"?app=1", err, "setup")
	case err != nil:
		return s.turn(w, r, in, err)
	}
	if _, err := s.raise(w, r, in, c, false, "otp"); err != nil {
		return s.turn(w, r, in, err)
	}
	return s.site.SendCodes(w, r, codesPath, c.User, codes)
}

// codesPath is the page that shows new recovery codes on the way to a token.
const codesPath = secondFactorPath + "/codes"

// codesPage shows the recovery codes that a user was just given, once. A request that has waited too long does not
// keep the user from seeing them.
func (s *Server) codesPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.opened(r)
	if err != nil {
		return err
	}
	a, err := s.Sessions.Current(r)
	user, expired := a.User, false
	if errors.Is(err, storage.ErrNotFound) { // the user may have to change the password before there is a session
		var c people.Claimant
		c, err = s.claimant(r, in)
		user, expired = c.User, c.MustChangePassword()
		if errors.Is(err, people.ErrNoClaimant) || err == nil && !expired {
			return s.startOver(w, r, in)
		}
	}
	if err != nil {
		return err
	}
	v, goesOn := s.view(w, r, "codes.title", in), secondFactorPath
	next := v.Path + cmp.Or(s.nextOf(r), "/")
	if expired {
		goesOn, next = newPasswordPath, s.elsewhere(r, in, newPasswordPath)
	} else if s.waitsToLink(r) {
		goesOn = "/federated/link"
		next = v.Path + goesOn
	} else if in != nil {
		next = in.ContinueURL
	}
	return s.site.ShowCodes(w, r, v, user, next, ui.Link{Page: goesOn, Text: "signin.go_on"},
		ui.Link{Page: "/account/second-factor", Text: "factors.codes_new"})
}

// turn sends the browser to where a sign-in begins if no claimant is left to go on with, or to where the
// claimant gives the proof that is missing.
func (s *Server) turn(w http.ResponseWriter, r *http.Request, in *storage.Interaction, err error) error {
	switch {
	case errors.Is(err, people.ErrNoClaimant), errors.Is(err, people.ErrChangedMeanwhile),
		errors.Is(err, people.ErrSignInFirst):
		return s.startOver(w, r, in)
	case errors.Is(err, people.ErrFactorFirst):
		return s.toSecondFactor(w, r, in)
	}
	return err
}
