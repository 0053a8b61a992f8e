package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// newPasswordPath is the page on which a user changes the password before a sign-in is complete.
const newPasswordPath = "/new-password"

// expiredForm is what that page shows.
type expiredForm struct {
	ui.FormFaults
	Login     string // for password managers
	MinLength int
}

// expiredClaimant returns the claimant who has to change the password and lacks nothing else. Otherwise it returns
// a detour.
func (s *Server) expiredClaimant(r *http.Request, in *storage.Interaction) (people.Claimant, error) {
	c, err := s.claimant(r, in)
	switch {
	case errors.Is(err, people.ErrNoClaimant), err == nil && !c.MustChangePassword():
		return c, &detour{To: s.elsewhere(r, in, "/login")}
	case err == nil && s.missingFactor(r, in, c, false).ACR != "":
		return c, &detour{To: s.elsewhere(r, in, secondFactorPath)}
	}
	return c, err
}

// expiredPage asks for a new password.
func (s *Server) expiredPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.expiredClaimant(r, in)
	if err != nil {
		return err
	}
	v := s.view(w, r, "expired.title", in)
	v.Page = expiredForm{
		FormFaults: ui.FaultsOf(r), Login: ui.AccountOfUser(c.User).Login, MinLength: s.Policy.Shortest(),
	}
	ui.AllowRequests(w)
	return s.show(w, http.StatusOK, "expired", v)
}

// expired takes the new password, and signs the user in.
func (s *Server) expired(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.expiredClaimant(r, in)
	if err != nil {
		return err
	}
	sess, kept, err := s.ReplaceExpired(r.Context(), s.askerFor(r, in), c, s.factorWish(r, in, c, false), "password",
		r.PostForm.Get("password"))
	switch {
	case errors.Is(err, people.ErrNoClaimant), errors.Is(err, people.ErrChangedMeanwhile):
		return s.startOver(w, r, in)
	case err != nil:
		return s.site.Refuse(w, r, newPasswordPath, err)
	}
	s.site.Keep(w, r, kept)
	s.forgetStale(w, r, sess.AuthTime)
	return s.onward(w, r, in)
}
