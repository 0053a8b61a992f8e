package login

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// linkIdentity links what somebody has at a provider to their account. A Problem when it
// is linked to another person's.
func (s *Server) linkIdentity(r *http.Request, u storage.User, p *upstream.Provider, id upstream.Identity) error {
	who := &stranger{Upstream: p.ID, Subject: id.Subject, Email: id.Email}
	ch := storage.Change{Link: []storage.Identity{who.identity(&u, time.Now())}}
	if err := s.noteLink(r, u, p.ID, storage.EventIdentityLinked, "identity.linked_mail", &ch); err != nil {
		return err
	}
	err := s.apply(r, u, ch)
	if errors.Is(err, storage.ErrExists) {
		return s.errLinked(r, u, who, err)
	}
	return err
}

// unlinkIdentity takes an identity off a person's account. errLastWayIn when it is all
// that they could sign in with; storage.ErrNotFound when it is not theirs.
func (s *Server) unlinkIdentity(r *http.Request, u storage.User, provider, subject string) error {
	ids, err := s.Store.IdentitiesOf(r.Context(), u.TenantID, u.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(ids, func(i storage.Identity) bool { return i.Provider == provider && i.Subject == subject })
	if i < 0 {
		return storage.ErrNotFound
	}
	ch := storage.Change{Unlink: ids[i : i+1]}
	if err := s.noteLink(r, u, provider, storage.EventIdentityUnlinked, "identity.unlinked_mail", &ch); err != nil {
		return err
	}
	return s.leavingAWayIn(r, u, ch)
}

// linkHere links the identity to the account of whoever began the trip, if they are still
// signed in here: an answer that a stranger slips in finds nobody.
func (s *Server) linkHere(w http.ResponseWriter, r *http.Request, tr *trip, p *upstream.Provider, id upstream.Identity) error {
	a, err := s.Sessions.Current(r)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (a.ID != tr.Session || a.User.ID != tr.UserID) {
		return s.errTrip(r, "the account that it was begun for is not signed in any more")
	}
	if err != nil {
		return err
	}
	if err := s.linkIdentity(r, a.User, p, id); err != nil {
		return err
	}
	return account.Changed(w, r, "/account/identities", "linked")
}
