package account

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	factorsPath = "/account/second-factor"
	appPath     = factorsPath + "/app"
	keyPath     = factorsPath + "/passkey"
	codesPath   = factorsPath + "/codes"
)

// factorsView is what the page of second factors shows.
type factorsView struct {
	On       bool
	App      string // when it was set up, or ""
	Codes    int    // recovery codes that are left
	Passkeys int
	Must     bool // the tenant demands a second factor
	// AddPasskeys says that the user has no passkey and could add one.
	AddPasskeys bool
	Devices     []deviceView
}

// deviceView is a remembered device as its user sees it.
type deviceView struct {
	ID, Name, Since string
	Here            bool
}

// factorsPage shows the user's second factors.
func (s *Server) factorsPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	f, err := s.People.Factors(r.Context(), s.Site.Asker(r), a.User)
	if err != nil {
		return err
	}
	v := s.view(w, r, "factors.title", a)
	page := factorsView{On: f.On, Must: f.Required, Passkeys: f.Passkeys, Codes: f.Codes}
	if !f.App.IsZero() {
		page.App = v.Words.Date(f.App)
	}
	for _, d := range f.Devices {
		page.Devices = append(page.Devices, deviceView{d.ID, v.Words.Device(d.UserAgent), v.Words.Date(d.Since), d.Here})
	}
	if page.AddPasskeys = f.Passkeys == 0 && s.People.OffersPasskeys(s.Site.Asker(r)); page.AddPasskeys && !f.On {
		v.Passkey = &ui.PasskeyForm{Action: keyPath, Options: v.Path + keyPath, Create: true, Unnamed: true,
			Button: v.Words.Must("enrol.passkey"), Fault: v.Words.Must("passkeys.failed"),
			Exists: v.Words.Must("passkeys.exists")}
		ui.AllowRequests(w)
	}
	v.Page, v.Alert = page, cmp.Or(v.Alert, ui.FaultsOf(r).Fault("passkey"))
	return s.Site.Show(w, http.StatusOK, "factors", v)
}

// postFactors does what one of the page's buttons says.
func (s *Server) postFactors(w http.ResponseWriter, r *http.Request) error {
	what := r.PostForm.Get("do")
	a, err := s.current(r)
	if err != nil {
		return err
	}
	switch what {
	case "device": // to be asked more often needs no fresh proof
		err = s.People.ForgetDevice(r.Context(), s.Site.Asker(r), a.User, r.PostForm.Get("device"))
	case "devices":
		err = s.People.ForgetDevice(r.Context(), s.Site.Asker(r), a.User, storage.AllIDs)
	case "codes":
		return s.renewCodes(w, r)
	case "off":
		var own ownAccount
		if own, err = s.fresh(r); err == nil {
			err = s.People.SwitchOffFactor(r.Context(), s.Site.Asker(r), own.owner)
		}
	default:
		err = &web.Problem{Status: http.StatusBadRequest,
			Developer: "The field \"do\" must be device, devices, codes or off."}
	}
	if err != nil {
		return startOver(w, r, err)
	}
	return changed(w, r, factorsPath, "factor-"+what)
}

// startOver sends the browser to the sign-in if the credentials of the account changed meanwhile, or
// returns err.
func startOver(w http.ResponseWriter, r *http.Request, err error) error {
	if errors.Is(err, people.ErrChangedMeanwhile) || errors.Is(err, people.ErrNoClaimant) {
		return ui.SeeOther(w, r, "/login")
	}
	return err
}

// renewCodes gives the user new recovery codes.
func (s *Server) renewCodes(w http.ResponseWriter, r *http.Request) error {
	c, err := s.claimant(r)
	if err != nil {
		return err
	}
	codes, err := s.People.RenewRecoveryCodes(r.Context(), s.Site.Asker(r), c)
	switch {
	case errors.Is(err, people.ErrNoFactor):
		return changed(w, r, factorsPath, "factor-codes")
	case err != nil:
		return startOver(w, r, err)
	}
	return s.Site.SendCodes(w, r, codesPath, c.User, codes)
}

// claimant returns the user of the account as one who may change second factors.
func (s *Server) claimant(r *http.Request) (people.Claimant, error) {
	own, err := s.fresh(r)
	if err != nil {
		return people.Claimant{}, err
	}
	return s.People.SignedInClaimant(r.Context(), own.Session, own.User)
}

// codesPage shows the recovery codes that the user was just given, once.
func (s *Server) codesPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	v := s.Site.View(w, r, "codes.title", nil)
	return s.Site.ShowCodes(w, r, v, a.User, v.Path+factorsPath, ui.Link{Page: factorsPath, Text: "factors.title"})
}

// appPage shows a new secret for an authenticator app.
func (s *Server) appPage(w http.ResponseWriter, r *http.Request) error {
	c, err := s.claimant(r)
	if err != nil {
		return err
	}
	v := s.Site.View(w, r, "enrol.title", nil)
	v.Session = c.Session.ID
	setup := s.People.ResumeTOTPSetup(c.User, ui.Typed(r, "setup", ""))
	return s.Site.ShowApp(w, r, v, c.User, setup, ui.AppForm{Action: v.Path + appPath})
}

// postApp takes the first digits of the app. From then on the user has a second factor. The recovery codes
// are shown once.
func (s *Server) postApp(w http.ResponseWriter, r *http.Request) error {
	c, err := s.claimant(r)
	if err != nil {
		return err
	}
	codes, err := s.People.EnrolTOTP(r.Context(), s.Site.Asker(r), c, r.PostForm.Get("setup"), r.PostForm.Get("code"))
	switch {
	case errors.Is(err, people.ErrOldSetup):
		return s.Site.Refuse(w, r, appPath, people.Invalid("code", "enrol.old"))
	case ui.IsRefusal(err):
		return s.Site.Refuse(w, r, appPath, err, "setup")
	case err != nil:
		return startOver(w, r, err)
	}
	return s.enrolled(w, r, c, codes, "otp")
}

// enrolled ends the set-up of a second factor, which the user has just used as amr says.
func (s *Server) enrolled(w http.ResponseWriter, r *http.Request, c people.Claimant, codes []string, amr string) error {
	_, kept, err := s.People.Raise(r.Context(), s.Site.Asker(r), c, false, amr)
	if err != nil {
		return startOver(w, r, err)
	}
	s.Site.Keep(w, r, kept)
	return s.Site.SendCodes(w, r, codesPath, c.User, codes)
}

// newKeyOptions gives the page's script a challenge to make a passkey as the second factor.
func (s *Server) newKeyOptions(w http.ResponseWriter, r *http.Request) error {
	c, err := s.claimant(r)
	if err != nil {
		return err
	}
	challenge, err := s.People.StartEnrolPasskey(r.Context(), s.Site.Asker(r), c, browser.Binding(w, r))
	if err != nil {
		return startOver(w, r, err)
	}
	return ui.SendJSON(w, challenge)
}

// postKey takes a new passkey. From then on the user has a second factor. The recovery codes are shown once.
func (s *Server) postKey(w http.ResponseWriter, r *http.Request) error {
	c, err := s.claimant(r)
	if err != nil {
		return err
	}
	codes, err := s.People.EnrolPasskey(r.Context(), s.Site.Asker(r), c, people.PasskeyProof{
		Bound: browser.Bindings(r), State: r.PostForm.Get("state"), Answer: r.PostForm.Get("answer")})
	switch {
	case errors.Is(err, people.ErrWrongPasskey), errors.Is(err, people.ErrLatePasskey):
		return s.Site.RefuseWith(w, r, factorsPath, http.StatusUnprocessableEntity, ui.Words(r).Must("passkeys.failed"))
	case ui.IsRefusal(err):
		return s.Site.Refuse(w, r, factorsPath, err)
	case err != nil:
		return startOver(w, r, err)
	}
	return s.enrolled(w, r, c, codes, "pop")
}
