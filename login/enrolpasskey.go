package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// enrolPasskeyPath takes a new passkey on the page enrolPath.
const enrolPasskeyPath = enrolPath + "/passkey"

// showEnrolChoice shows the page on which a user who needs a second factor sets up a passkey, or chooses an
// authenticator app instead. Where scripts do not run, only the choice is there.
func (s *Server) showEnrolChoice(w http.ResponseWriter, r *http.Request, in *storage.Interaction,
	c people.Claimant,
) error {
	v := s.view(w, r, "enrol.choice", in)
	v.Page = ui.AccountOfUser(c.User)
	v.Passkey = &passkeyForm{Action: enrolPasskeyPath, Options: v.Link(enrolPasskeyPath), Create: true, Unnamed: true,
		Button: v.Words.Must("enrol.passkey"), Fault: v.Words.Must("passkeys.failed"),
		Exists: v.Words.Must("passkeys.exists")}
	ui.AllowRequests(w)
	return s.show(w, http.StatusOK, "enrol-choice", v)
}

// enrolPasskeyOptions gives the page's script a challenge to make a passkey.
func (s *Server) enrolPasskeyOptions(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.enrolling(r, in)
	if err != nil {
		return s.turn(w, r, in, err) // the script follows
	}
	challenge, err := s.StartEnrolPasskey(r.Context(), s.askerOf(r), c, browser.Binding(w, r))
	if err != nil {
		return s.turn(w, r, in, err)
	}
	return ui.SendJSON(w, challenge)
}

// enrolPasskey takes the new passkey. From then on the user has a second factor. The recovery codes are shown once.
func (s *Server) enrolPasskey(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	c, err := s.enrolling(r, in)
	if err != nil {
		return s.turn(w, r, in, err)
	}
	codes, err := s.EnrolPasskey(r.Context(), s.askerOf(r), c, people.PasskeyProof{
		Bound: browser.Bindings(r), State: r.PostForm.Get("state"), Answer: r.PostForm.Get("answer")})
	switch {
	case errors.Is(err, people.ErrWrongPasskey), errors.Is(err, people.ErrLatePasskey):
		return s.site.RefuseWith(w, r, enrolPath, http.StatusUnprocessableEntity, s.words(r).Must("passkeys.failed"))
	case errors.Is(err, people.ErrNotOffered):
		return &web.Problem{Status: http.StatusNotFound, Err: err}
	case err != nil:
		return s.turn(w, r, in, err)
	}
	// To have made a passkey shows that the user has it. It does not show that the user was not led here by a false
	// page, as signing with it does: the proof counts as a second factor, and as no more.
	if _, err := s.raise(w, r, in, c, false, "pop"); err != nil {
		return s.turn(w, r, in, err)
	}
	return s.site.SendCodes(w, r, codesPath, c.User, codes)
}
