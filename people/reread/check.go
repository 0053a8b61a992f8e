package reread

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// CheckAll calls report for each user of the tenant whose names are odd, and returns the number of all users.
func CheckAll(ctx context.Context, s storage.Users, tenant string,
	report func(storage.User, []Found),
) (n int, err error) {
	page := func(after string) ([]storage.User, error) { return s.Users(ctx, tenant, after, listing.PageSize) }
	for u, err := range listing.All(page, func(u storage.User) string { return u.ID }) {
		if err != nil {
			return n, err
		}
		n++
		found, err := check(ctx, s, u)
		if err != nil {
			return n, err
		}
		if len(found) > 0 {
			report(u, found)
		}
	}
	return n, nil
}

// check returns what is odd about the names of a user. What another user has, too, is followed by that user's
// id.
func check(ctx context.Context, s storage.Users, u storage.User) ([]Found, error) {
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
