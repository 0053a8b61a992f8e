package federation

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

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
