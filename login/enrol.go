package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

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
	return s.showEnrol(w, r, http.StatusOK, in, c, s.StartTOTPSetup(c.User), "")
}

func (s *Server) showEnrol(w http.ResponseWriter, r *http.Request, status int, in *storage.Interaction, c people.Claimant, setup people.TOTPSetup, fault string) error {
	v := s.view(w, r, "enrol.title", in)
	return s.site.ShowApp(w, status, v, c.User, setup, ui.AppForm{Action: v.Path + enrolPath, Demand: true, Fault: fault})
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
	sealed := r.PostForm.Get("setup")
	codes, err := s.EnrolTOTP(r.Context(), s.askerOf(r), c, sealed, r.PostForm.Get("code"))
	var wrong people.Faults
	switch {
	case errors.Is(err, people.ErrOldSetup):
		return s.showEnrol(w, r, http.StatusUnprocessableEntity, in, c, s.StartTOTPSetup(c.User), s.words(r).Must("enrol.old"))
	case errors.As(err, &wrong):
		setup, err := s.OpenTOTPSetup(c.User, sealed)
		if err != nil {
			return err
		}
		return s.showEnrol(w, r, http.StatusUnprocessableEntity, in, c, setup, ui.FaultAt(s.words(r), wrong, "code"))
	case err != nil:
		return s.turn(w, r, in, err)
	}
	if err := s.raise(w, r, in, c, false, "otp"); err != nil {
		return s.turn(w, r, in, err)
	}
	return s.showCodes(w, r, in, c.User, codes)
}

// showCodes shows the user's new recovery codes.
func (s *Server) showCodes(w http.ResponseWriter, r *http.Request, in *storage.Interaction, u storage.User, codes []string) error {
	v := s.view(w, r, "codes.title", in)
	next := v.Path + "/"
	if s.waitsToLink(r) {
		next = v.Path + "/federated/link"
	} else if in != nil {
		next = in.ContinueURL
	}
	return s.site.ShowCodes(w, v, u, codes, next)
}

// turn sends the browser to where a sign-in begins if no claimant is left to go on with.
func (s *Server) turn(w http.ResponseWriter, r *http.Request, in *storage.Interaction, err error) error {
	if errors.Is(err, people.ErrNoClaimant) || errors.Is(err, people.ErrChangedMeanwhile) {
		return s.startOver(w, r, in)
	}
	return err
}
