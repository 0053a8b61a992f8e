package delegated

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Depart returns where a browser goes to sign in at an upstream provider, or to link an account there to that of the
// user who is signed in. page is where the browser comes back to in the end. storage.ErrNotFound: there is no such
// provider.
func (s *Service) Depart(ctx context.Context, a people.Asker, provider, page string) (to string, err error) {
	p, err := s.Federation.Provider(a, provider)
	if err != nil {
		return "", err
	}
	d := federation.Departure{Provider: p, Letter: page}
	current, err := s.Current(ctx, a)
	switch {
	case err == nil:
		d.Session, d.UserID = current.ID, current.UserID
	case !errors.Is(err, storage.ErrNotFound):
		return "", err
	}
	return s.Federation.Depart(ctx, a, d)
}

// errElsewhere says that the account at the provider cannot be linked: the user has another one there, or the session
// has ended.
var errElsewhere = errors.New("the account at the provider cannot be linked")

// Return ends what Depart began. It returns the page that the browser comes back to, also with an error; "" if that is
// not known. A user who was signed in stays so: Session has no ID then.
func (s *Service) Return(
	ctx context.Context, a people.Asker, provider, state string, answer upstream.Answer,
) (in SignedIn, page string, err error) {
	p, err := s.Federation.Provider(a, provider)
	if err != nil {
		return in, "", err
	}
	tr, err := s.Federation.OpenTrip(a, p, state)
	if err != nil {
		return in, "", err
	}
	page = tr.Letter
	id, err := s.Federation.Return(ctx, a, p, tr, answer)
	if err != nil {
		return in, page, err
	}
	if tr.UserID != "" {
		return in, page, s.link(ctx, a, tr, provider, id)
	}
	came, err := s.Federation.Arrive(ctx, a, p, tr, id)
	if err != nil {
		return in, page, err
	}
	in, err = s.Complete(ctx, a, came.User, came.Since, "", append(slices.Clone(came.AMR), "oauth:"+provider)...)
	return in, page, err
}

// link links an account at a provider to that of the user who began the trip, and is signed in still. A user has one
// account at each provider.
func (s *Service) link(
	ctx context.Context, a people.Asker, tr *federation.Trip, provider string, id upstream.Identity,
) error {
	current, err := s.Current(ctx, a)
	if errors.Is(err, storage.ErrNotFound) || err == nil && current.ID != tr.Session {
		return errElsewhere
	}
	if err != nil {
		return err
	}
	ids, err := s.Identities(ctx, current.User)
	if err != nil {
		return err
	}
	for _, has := range ids {
		if has.Provider == provider && has.Subject != id.Subject {
			return errElsewhere
		}
	}
	return s.LinkIdentity(ctx, a, current.User, provider, id)
}

// UnlinkOwn takes what the user of a session has at a provider away. Its refusal is people.ErrLastWayIn.
// storage.ErrNotFound: there is nothing.
func (s *Service) UnlinkOwn(ctx context.Context, a people.Asker, current sessions.Account, provider string) error {
	ids, err := s.Identities(ctx, current.User)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(ids, func(i storage.Identity) bool { return i.Provider == provider })
	if i < 0 {
		return storage.ErrNotFound
	}
	// Apps of Keratin AuthN have no page that asks for a password here. The mail about it lets the owner undo it.
	owner, err := s.Owner(ctx, current.User, time.Now(), storage.ACRMultiFactor)
	if err != nil {
		return err
	}
	return s.UnlinkIdentity(ctx, a, owner, provider, ids[i].Subject)
}
