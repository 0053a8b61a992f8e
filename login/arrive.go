package login

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// arrive signs in the user who came back from a provider, or leads to the page that asks for what is
// missing.
func (s *Server) arrive(
	w http.ResponseWriter, r *http.Request, in *storage.Interaction, p *upstream.Provider, tr *federation.Trip,
	id upstream.Identity,
) error {
	ar, err := s.Federation.Arrive(r.Context(), s.site.BoundAsker(w, r), p, tr, id)
	if err == nil && ar.Stale {
		browser.SetCookie(w, r, staleCookie, p.ID, staleLife)
	}
	return s.settle(w, r, in, ar, err)
}

// settle goes on as the arrival demands, which ended with err.
func (s *Server) settle(
	w http.ResponseWriter, r *http.Request, in *storage.Interaction, ar federation.Arrival, err error,
) error {
	page, who := "", ar.Stranger
	switch {
	case err == nil:
		// Another identity that waits goes on waiting: this may be how its owner proves the
		// account.
		if here := s.strangerHere(r); here != nil && here.Upstream == who.Upstream && here.Subject == who.Subject {
			if err := s.keepStranger(w, r, nil); err != nil {
				return err
			}
		}
		browser.SetCookie(w, r, lastCookie, who.Upstream, lastLife)
		return s.provenSince(w, r, in, ar.User, ar.Since, ar.AMR...)
	case errors.Is(err, federation.ErrProveEmail):
		page = "/federated/email"
	case errors.Is(err, federation.ErrProveAccount):
		page = "/federated/link"
	case errors.Is(err, federation.ErrNotAdmitted):
		name, _ := s.upstreamName(r, who.Upstream)
		return &web.Problem{
			Status: http.StatusForbidden, Title: "federated.closed_title", Message: "federated.closed", Args: []any{name},
		}
	case errors.Is(err, federation.ErrAnotherUser):
		return s.refuseAnother(w, r, who)
	default:
		return err
	}
	if err := s.keepStranger(w, r, who); err != nil {
		return err
	}
	return seeOther(w, r, page)
}

// refuseAnother sends a user who was to confirm an account, and chose another one at the provider, back to the page
// that asked. It says who came instead: to go on as them without a word would sign in the wrong user.
func (s *Server) refuseAnother(w http.ResponseWriter, r *http.Request, who *federation.Stranger) error {
	name, _ := s.upstreamName(r, who.Upstream)
	current, err := s.Sessions.Current(r)
	if errors.Is(err, storage.ErrNotFound) {
		return seeOther(w, r, "/login")
	}
	if err != nil {
		return err
	}
	asked := ui.AccountOf(current)
	text := s.words(r).Must("federated.another", name, cmp.Or(who.Profile.Name, who.Email, who.Subject),
		cmp.Or(asked.Name, asked.Login))
	return s.site.RefuseWith(w, r, "/login", http.StatusForbidden, text)
}
