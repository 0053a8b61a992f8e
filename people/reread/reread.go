package reread

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Found is what is odd about the names of a user, for operators.
type Found string

// What is found.
const (
	// Spelling: the address is spelt otherwise now. It is the same mailbox.
	Spelling Found = "the address is spelt otherwise now"
	// Domain: the address was kept under the key of another one, and mail to either may have proven it.
	// It gets its own key, and has to be proven anew.
	Domain Found = "the address was kept as another one, and has to be confirmed again"
	// Twice: the same, and another user has the address. The account keeps its old key.
	Twice Found = "the address was kept as another one, and somebody else has it"
	// Special: mail servers may treat the address specially, so that it would be refused today. It goes
	// on working.
	Special Found = "the address has characters that mail servers may treat specially"
	// Alike: the user name looks like that of another user. It goes on working.
	Alike Found = "the user name looks like that of somebody else"
)

// User returns the user with the names that are made of theirs today, and what differs.
func User(u storage.User) (now storage.User, found []Found) {
	now = u
	if u.UsernameKey != "" && u.UsernameSkeleton == "" {
		now.UsernameSkeleton = username.Skeleton(u.UsernameKey)
	}
	if u.Email == "" {
		return now, nil
	}
	c, err := address.Claim(u.Email)
	if err != nil { // what the key has instead of characters that stand for others
		if c, err = address.Claim(u.EmailKey); err != nil {
			return now, []Found{Special}
		}
	}
	c.Give(&now)
	was, err := address.Read(u.Email)
	switch {
	case now.EmailKey != u.EmailKey || err != nil || was.Recipient() != c.Recipient():
		now.EmailVerified = false
		found = append(found, Domain)
	case now.Email != u.Email:
		found = append(found, Spelling)
	}
	return now, found
}

// Store is what All reads and writes.
type Store interface {
	UsersToReread(ctx context.Context, tenant, after string, limit int) ([]storage.User, error)
	Reread(ctx context.Context, was, now storage.User) error
}

// All gives the users of all tenants the names that are made of theirs today, and calls tell for each whose
// address it touched. No account is lost, and no two become one: a user whose address another user has keeps
// the old key, and goes on signing in by it.
func All(ctx context.Context, store Store, tell func(u storage.User, what Found)) error {
	const page = 500
	for tenant, after := "", ""; ; {
		users, err := store.UsersToReread(ctx, tenant, after, page)
		if err != nil {
			return err
		}
		for _, u := range users {
			if err := one(ctx, store, u, tell); err != nil {
				return err
			}
			tenant, after = u.TenantID, u.ID
		}
		if len(users) < page {
			return nil
		}
	}
}

func one(ctx context.Context, store Store, u storage.User, tell func(u storage.User, what Found)) error {
	now, found := User(u)
	kept := u // with the key that it had
	kept.EmailVerified, kept.UsernameSkeleton = now.EmailVerified, now.UsernameSkeleton
	for _, try := range []struct {
		now  storage.User
		what []Found
	}{{now, found}, {withoutSkeleton(now), found}, {kept, []Found{Twice}}, {withoutSkeleton(kept), []Found{Twice}}} {
		touched := try.now.Email != u.Email || try.now.EmailKey != u.EmailKey || try.now.EmailVerified != u.EmailVerified
		if !touched && try.now.UsernameSkeleton == u.UsernameSkeleton {
			return nil
		}
		err := store.Reread(ctx, u, try.now)
		if errors.Is(err, storage.ErrExists) {
			continue
		}
		if errors.Is(err, storage.ErrStale) { // it has changed this very moment, and is looked at next time
			return nil
		}
		if err == nil && touched {
			for _, what := range try.what {
				tell(try.now, what)
			}
		}
		return err
	}
	return nil
}

func withoutSkeleton(u storage.User) storage.User {
	u.UsernameSkeleton = ""
	return u
}
