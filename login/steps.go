package login

import (
	"net/http"
	"net/url"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
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
	if in != nil {
		wish.Rule, wish.ACR = in.Client.SecondFactor, in.ACR
	}
	return wish
}

// missingFactor returns what the claimant lacks for the request.
func (s *Server) missingFactor(r *http.Request, in *storage.Interaction, c people.Claimant, asks bool) people.Missing {
	return s.MissingFactor(r.Context(), s.askerOf(r), c, s.factorWish(r, in, c, asks))
}

// raise ends the step of the second factor: the claimant has given what amr says besides.
func (s *Server) raise(
	w http.ResponseWriter, r *http.Request, in *storage.Interaction, c people.Claimant, remember bool, amr ...string,
) error {
	sess, kept, err := s.Raise(r.Context(), s.askerFor(r, in), c, remember && !c.IsSignedIn(), amr...)
	if err != nil {
		return err
	}
	s.site.Keep(w, r, kept)
	if !c.IsSignedIn() {
		s.forgetStale(w, r, sess.AuthTime)
	}
	return nil
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

// clientID returns the id of the client whose request it is, for the audit trail.
func clientID(in *storage.Interaction) string {
	if in == nil {
		return ""
	}
	return in.Client.ClientID
}

// letterOf returns the sealed request, or "".
func letterOf(in *storage.Interaction) string {
	if in == nil {
		return ""
	}
	return in.Letter
}

// What follows are short names for what most pages use of package ui.

type (
	view        = ui.View
	passkeyForm = ui.PasskeyForm
	detour      = ui.Detour
)

func (s *Server) words(r *http.Request) texts.Words { return ui.Words(r) }

func (s *Server) view(w http.ResponseWriter, r *http.Request, title string, in *storage.Interaction) *view {
	return s.site.View(w, r, title, in)
}

func (s *Server) show(w http.ResponseWriter, status int, page string, v *view) error {
	return s.site.Show(w, status, page, v)
}

func (s *Server) say(w http.ResponseWriter, r *http.Request, status int, title, lead string, links ...ui.Link) error {
	return s.site.Tell(w, r, status, title, lead, links...)
}

func (s *Server) interaction(r *http.Request) (*storage.Interaction, error) {
	return s.site.Interaction(r)
}

func (s *Server) opened(r *http.Request) (*storage.Interaction, error) { return s.site.Opened(r) }

func (s *Server) nextOf(r *http.Request) string { return s.site.NextOf(r) }

func (s *Server) goOn(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	return s.site.GoOn(w, r, in)
}

func seeOther(w http.ResponseWriter, r *http.Request, page string, query ...string) error {
	return ui.SeeOther(w, r, page, query...)
}

func (s *Server) askerOf(r *http.Request) people.Asker { return s.site.Asker(r) }

// askerFor is askerOf for a user who answers a client's request; in is nil for none.
func (s *Server) askerFor(r *http.Request, in *storage.Interaction) people.Asker {
	a := s.askerOf(r)
	a.ClientID = clientID(in)
	return a
}
