package login

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// claimant returns the user that the page asks for a proof. See people.Service.Claimant.
func (s *Server) claimant(r *http.Request, in *storage.Interaction) (people.Claimant, error) {
	return s.Claimant(r.Context(), s.askerOf(r), letterOf(in))
}

// factorWish returns what the request wants of a claimant. Pages that ask for a factor say so by
// asks: then the factor itself is wanted of a user who has to prove themselves anew, or who links
// an identity.
func (s *Server) factorWish(r *http.Request, in *storage.Interaction, c people.Claimant, asks bool) people.FactorWish {
	wish := people.FactorWish{Letter: letterOf(in)}
	wish.Itself = asks && (in == nil && s.nextOf(r) != "" || c.IsSignedIn() && s.waitsToLink(r))
	if in == nil && c.User.AdminRole != "" && s.site.IsConsolePage(s.nextOf(r)) &&
		s.askerOf(r).Tenant.Settings.Administrators.SecondFactor {
		wish.ACR = storage.ACRMultiFactor
	}
	if in != nil {
		wish.Rule, wish.ACR = in.Client.SecondFactor, in.ACR
	}
	return wish
}

// missingFactor returns what the claimant lacks for the request.
func (s *Server) missingFactor(r *http.Request, in *storage.Interaction, c people.Claimant, asks bool) people.Missing {
	return s.MissingFactor(r.Context(), s.askerOf(r), c, s.factorWish(r, in, c, asks))
}

// raise ends the step of the second factor: the claimant has given what amr says besides. It returns the page that
// comes next, or "" if the user is signed in.
func (s *Server) raise(
	w http.ResponseWriter, r *http.Request, in *storage.Interaction, c people.Claimant, remember bool, amr ...string,
) (next string, err error) {
	sess, kept, err := s.Raise(r.Context(), s.askerFor(r, in), c, remember && !c.IsSignedIn(), amr...)
	if errors.Is(err, people.ErrNewPassword) {
		s.site.Keep(w, r, kept)
		return newPasswordPath, nil
	}
	if err != nil {
		return "", err
	}
	s.site.Keep(w, r, kept)
	if !c.IsSignedIn() {
		s.forgetStale(w, r, sess.AuthTime)
	}
	return "", nil
}

// toSecondFactor sends the browser to where a second factor is asked for, and startOver to
// where a sign-in begins.
func (s *Server) toSecondFactor(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	return s.forward(w, r, in, secondFactorPath)
}

func (s *Server) startOver(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	return s.forward(w, r, in, "/login")
}

// forward sends the browser to another page of ours with what it came with.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, in *storage.Interaction, page string) error {
	http.Redirect(w, r, s.elsewhere(r, in, page), http.StatusSeeOther)
	return nil
}

// elsewhere returns the URL of another page of ours, with what the browser came with.
func (s *Server) elsewhere(r *http.Request, in *storage.Interaction, page string) string {
	q := url.Values{}
	if in != nil {
		q.Set("i", in.Letter)
	} else if next := s.nextOf(r); next != "" {
		q.Set("next", next)
	}
	to := web.TenantOf(r.Context()).Path + page
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	return to
}

// letterOf returns the sealed request, or "".
func letterOf(in *storage.Interaction) string {
	if in == nil {
		return ""
	}
	return in.Letter
}

// secondFactorPath is the page that asks for a second factor.
const secondFactorPath = "/second-factor"

// proven signs in a user who has just proven the account by amr (RFC 8176), and sends the browser on. Every
// way of signing in ends here.
func (s *Server) proven(
	w http.ResponseWriter, r *http.Request, in *storage.Interaction, user storage.User, amr ...string,
) error {
	return s.provenSince(w, r, in, user, time.Now(), amr...)
}

// provenSince is proven for a user who gave the proof at the time since, such as at an upstream provider. If
// the policy asks for a second factor, the user gives that now.
func (s *Server) provenSince(
	w http.ResponseWriter, r *http.Request, in *storage.Interaction, user storage.User, since time.Time, amr ...string,
) error {
	a := s.askerFor(r, in)
	c, err := s.Prove(r.Context(), a, user, since, amr...)
	if err != nil {
		return err
	}
	done, err := s.SignIn(r.Context(), a, c, s.factorWish(r, in, c, false))
	if errors.Is(err, people.ErrNoClaimant) {
		return s.startOver(w, r, in)
	}
	if err != nil {
		return err
	}
	s.site.Keep(w, r, done.Kept)
	if done.Missing.ACR != "" {
		return s.toSecondFactor(w, r, in)
	}
	if done.NewPassword {
		return s.forward(w, r, in, newPasswordPath)
	}
	s.forgetStale(w, r, since)
	return s.onward(w, r, in)
}

// onwardBy is onward, by way of a page of ours unless it is "".
func (s *Server) onwardBy(w http.ResponseWriter, r *http.Request, in *storage.Interaction, page string) error {
	if page != "" {
		return s.forward(w, r, in, page)
	}
	return s.onward(w, r, in)
}

// onward sends the browser on as goOn does. If the user signed in to link an identity, the page that links it
// comes first.
func (s *Server) onward(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	if s.waitsToLink(r) {
		return seeOther(w, r, "/federated/link")
	}
	return s.goOn(w, r, in)
}
