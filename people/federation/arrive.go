package federation

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/claims"
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
// ErrProveEmail, ErrProveAccount and ErrNotAdmitted.
func (s *Service) Arrive(
	ctx context.Context, a people.Asker, p *upstream.Provider, tr *Trip, id upstream.Identity,
) (Arrival, error) {
	ar := Arrival{Stranger: newStranger(p, id, a.Browser), AMR: amrOf(a, id.AMR)}
	var err error
	if ar.User, err = s.identify(ctx, a, p, ar.Stranger, id); err != nil {
		return ar, s.recorded(ctx, a, p.ID, err)
	}
	var now bool
	ar.Since, now = provenWhen(id.ProvenAt, ar.User, tr.begun())
	ar.Stale = tr.Fresh && !now
	return ar, nil
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
		return s.returned(ctx, p, known, id)
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

// returned returns the owner of an identity that is linked.
func (s *Service) returned(
	ctx context.Context, p *upstream.Provider, known storage.Identity, id upstream.Identity,
) (storage.User, error) {
	u, err := s.Store.User(ctx, known.TenantID, known.UserID)
	if err != nil {
		return u, err
	}
	if u.Disabled {
		return u, ErrNotAdmitted
	}
	if p.RefreshProfile {
		if fresh := refreshed(u.Profile, id.Profile); fresh != u.Profile {
			// Not by UpdateUser: it would undo what an administrator did this very moment.
			now, version := time.Now(), u.CredentialVersion
			u.Profile, u.UpdatedAt = fresh, now
			err := s.Store.Apply(ctx, storage.Change{
				TenantID: u.TenantID, UserID: u.ID, Now: now, Version: &version, Update: &u,
			})
			if errors.Is(err, storage.ErrStale) {
				err = ErrNotAdmitted
			}
			return u, err
		}
	}
	return u, nil
}

// refreshed returns a profile with what the provider says anew. What the provider does not say, the
// user may have entered here.
func refreshed(p, from storage.Profile) storage.Profile {
	for _, c := range claims.Standard.All() {
		if c.Upstream && *c.Text(&from) != "" {
			*c.Text(&p) = *c.Text(&from)
		}
	}
	return p
}
