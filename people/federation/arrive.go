package federation

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Arrival is a user who came from a provider.
type Arrival struct {
	User storage.User
	AMR  []string // what the user has proven themselves by (RFC 8176)
	// Since is when the user has proven themselves.
	Since time.Time
	// Stale says that the provider was to have the user prove themselves anew, and did not say that
	// it has.
	Stale bool
	// Stranger is the user as they came. It waits when an error says that something is to be proven.
	Stranger *Stranger
}

// Arrive finds or makes the account of the identity that came back from the trip. Its refusals are
// ErrProveEmail, ErrProveAccount, ErrNotAdmitted and ErrAnotherUser.
func (s *Service) Arrive(
	ctx context.Context, a people.Asker, p *upstream.Provider, tr *Trip, id upstream.Identity,
) (Arrival, error) {
	ar := Arrival{Stranger: newStranger(p, id, a.Browser), AMR: amrOf(a, id.AMR)}
	err := s.checkConfirms(ctx, a, tr, ar.Stranger)
	if err != nil {
		return ar, err
	}
	if ar.User, err = s.identify(ctx, a, p, ar.Stranger, id); err != nil {
		return ar, s.recorded(ctx, a, p.ID, err)
	}
	var now bool
	ar.Since, now = provenWhen(id.ProvenAt, ar.User, tr.begun())
	ar.Stale = tr.Fresh && !now
	return ar, nil
}

// checkConfirms returns ErrAnotherUser if the trip was to confirm a user and another one came back.
func (s *Service) checkConfirms(ctx context.Context, a people.Asker, tr *Trip, who *Stranger) error {
	if tr.Confirms == "" {
		return nil
	}
	known, err := s.Store.Identity(ctx, a.Tenant.ID, who.Upstream, who.Subject)
	if errors.Is(err, storage.ErrNotFound) || err == nil && known.UserID != tr.Confirms {
		return ErrAnotherUser
	}
	return err
}

// recorded records that a user was not admitted, if that is the error, and returns the error.
func (s *Service) recorded(ctx context.Context, a people.Asker, from string, err error) error {
	if errors.Is(err, ErrNotAdmitted) {
		s.ObserveSome(ctx, a, storage.Event{
			Kind: storage.EventLoginFailed, Actor: "anonymous",
			Detail: map[string]string{"reason": "not admitted", "upstream": from},
		})
	}
	return err
}

// identify returns the account of the identity. It makes one if there is none and none is in the way.
func (s *Service) identify(
	ctx context.Context, a people.Asker, p *upstream.Provider, who *Stranger, id upstream.Identity,
) (storage.User, error) {
	email, bad := address.Claim(id.Email)
	if len(p.Domains) > 0 && (bad != nil || !p.Admits(email, id)) {
		return storage.User{}, ErrNotAdmitted
	}
	known, err := s.Store.Identity(ctx, a.Tenant.ID, p.ID, who.Subject)
	switch {
	case err == nil:
		u, err := s.returned(ctx, p, known, id)
		if err == nil {
			err = s.syncGroups(ctx, a, u.ID, who)
		}
		if err == nil && id.Email != "" && id.Email != known.Email { // by which users recognise the account there
			err = s.Store.SetIdentityEmail(ctx, a.Tenant.ID, p.ID, who.Subject, id.Email)
		}
		return u, err
	case !errors.Is(err, storage.ErrNotFound):
		return storage.User{}, err
	case bad != nil || !id.EmailVerified:
		return storage.User{}, ErrProveEmail
	}
	proof := byProvider
	if p.SpeaksFor(email, id) {
		proof = byAuthority
	}
	return s.adopt(ctx, a, p, who, claim{email, proof, ""})
}
