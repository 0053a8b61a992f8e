package sqldb

import (
	"cmp"
	"context"
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

// Each has an index of its own, which has no other users.
const (
	usersBeyondASCII = `
		SELECT ` + userColumns + ` FROM users
		WHERE octet_length(email) <> length(email) AND (tenant_id, id) > ($1, $2)
		ORDER BY tenant_id, id LIMIT $3`
	usersWithoutSkeleton = `
		SELECT ` + userColumns + ` FROM users
		WHERE username_key <> '' AND username_skeleton = '' AND (tenant_id, id) > ($1, $2)
		ORDER BY tenant_id, id LIMIT $3`
)

// UsersToReread implements storage.Users.
func (s *Store) UsersToReread(ctx context.Context, tenant, after string, limit int) ([]storage.User, error) {
	all, err := list(ctx, s, usersBeyondASCII, []any{tenant, after, limit}, scanUser)
	if err == nil {
		var more []storage.User
		more, err = list(ctx, s, usersWithoutSkeleton, []any{tenant, after, limit}, scanUser)
		all = append(all, more...)
	}
	if err != nil {
		return nil, engine.Named(err, "users to reread after", after)
	}
	slices.SortFunc(all, func(a, b storage.User) int {
		return cmp.Or(cmp.Compare(a.TenantID, b.TenantID), cmp.Compare(a.ID, b.ID))
	})
	all = slices.CompactFunc(all, func(a, b storage.User) bool { return a.TenantID == b.TenantID && a.ID == b.ID })
	return all[:min(len(all), limit)], nil
}

// reread changes names only if they are still those that were read, $7 to $10.
const reread = `
	UPDATE users SET email = $3, email_key = $4, email_verified = $5, username_skeleton = $6
	WHERE tenant_id = $1 AND id = $2 AND email = $7 AND email_key = $8 AND email_verified = $9 AND username_key = $10`

// Reread implements storage.Users.
func (s *Store) Reread(ctx context.Context, was, now storage.User) error {
	err := s.must(ctx, storage.ErrStale, reread, was.TenantID, was.ID, now.Email, now.EmailKey,
		now.EmailVerified, now.UsernameSkeleton,
		was.Email, was.EmailKey, was.EmailVerified, was.UsernameKey)
	return engine.Named(err, "reread", was.ID)
}
