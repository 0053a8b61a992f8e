package reread

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Check returns what is odd about the names of a user. What another user has, too, is followed by that user's
// id.
func Check(ctx context.Context, s storage.Users, u storage.User) ([]Found, error) {
	now, found := User(u)
	for i, f := range found {
		other, err := s.UserByEmail(ctx, u.TenantID, now.EmailKey)
		switch {
		case f == Domain && err == nil && other.ID != u.ID:
			found[i] = Twice + Found(": "+other.ID)
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return nil, err
		}
	}
	if u.UsernameKey == "" || u.UsernameSkeleton != "" {
		return found, nil
	}
	switch other, err := s.UserBySkeleton(ctx, u.TenantID, username.Skeleton(u.UsernameKey)); {
	case err == nil && other.ID != u.ID:
		found = append(found, Alike+Found(": "+other.ID))
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	return found, nil
}
