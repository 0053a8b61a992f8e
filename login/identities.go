package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// LinkUpstream sends the browser to the provider with that id, to link what the user of the session has
// there. storage.ErrNotFound: the tenant has no such provider.
func (s *Server) LinkUpstream(w http.ResponseWriter, r *http.Request, a sessions.Account, id string) error {
	p, err := s.Federation.Provider(s.askerOf(r), id)
	if err != nil {
		return err
	}
	return s.depart(w, r, nil, federation.Departure{
		Provider: p, Session: a.ID, UserID: a.User.ID, Locales: ui.UILocales(r),
	})
}

// linkHere links the identity to the account of the user who began the trip, if the user is still
// signed in here: an answer that an attacker slips in finds another session.
func (s *Server) linkHere(
	w http.ResponseWriter, r *http.Request, tr *federation.Trip, p *upstream.Provider, id upstream.Identity,
) error {
	a, err := s.Sessions.Current(r)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (a.ID != tr.Session || a.User.ID != tr.UserID) {
		return federation.Lost("the account that it was begun for is not signed in any more")
	}
	if err != nil {
		return err
	}
	err = s.LinkIdentity(r.Context(), s.askerOf(r), a.User, p.ID, id)
	if err != nil {
		return s.identityTaken(r, p.ID, err)
	}
	return seeOther(w, r, "/account/identities", "done", "linked")
}

// identityTaken returns err, or the problem that the identity is linked to another user's account.
func (s *Server) identityTaken(r *http.Request, provider string, err error) error {
	if !errors.Is(err, people.ErrIdentityTaken) {
		return err
	}
	name, _ := s.upstreamName(r, provider)
	return &web.Problem{
		Status: http.StatusConflict, Title: "identity.taken_title", Message: "identity.taken", Args: []any{name}, Err: err,
	}
}
