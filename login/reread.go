package login

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Found is what is odd about the names of a person whom a release stored that read names in
// another way.
type Found string

// What is found.
const (
	// FoundSpelling: the address is spelt otherwise now. It is the same mailbox.
	FoundSpelling Found = "the address is spelt otherwise now"
	// FoundDomain: the address was kept under the key of another one, and mail to either may have
	// proven it. It gets its own key, and has to be proven anew.
	FoundDomain Found = "the address was kept as another one, and has to be confirmed again"
	// FoundTwice: the same, and another person has the address. The account keeps its old key.
	FoundTwice Found = "the address was kept as another one, and somebody else has it"
	// FoundSpecial: mail servers may treat the address specially, so that it could not be taken
	// today. It goes on working.
	FoundSpecial Found = "the address has characters that mail servers may treat specially"
	// FoundAlike: the user name looks like one that another person has. It goes on working.
	FoundAlike Found = "the user name looks like that of somebody else"
)

// RereadUser is a person with the names that are made of theirs today, and what differs.
func RereadUser(u storage.User) (now storage.User, found []Found) {
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
			return now, []Found{FoundSpecial}
		}
	}
	c.Give(&now)
	was, err := address.Read(u.Email)
	switch {
	case now.EmailKey != u.EmailKey || err != nil || was.Recipient() != c.Recipient():
		now.EmailVerified = false
		found = append(found, FoundDomain)
	case now.Email != u.Email:
		found = append(found, FoundSpelling)
	}
	return now, found
}

// Rereader is what RereadUsers needs.
type Rereader interface {
	UsersToReread(ctx context.Context, tenant, after string, limit int) ([]storage.User, error)
	Reread(ctx context.Context, was, now storage.User) error
}

// RereadUsers gives people the names that are made of theirs today, and tells of each whose
// address it touched. No account is lost and no two fall together: one whose address another
// person has keeps its key, by which its owner goes on signing in.
func RereadUsers(ctx context.Context, store Rereader, tell func(u storage.User, what Found)) error {
	const page = 500
	for tenant, after := "", ""; ; {
		people, err := store.UsersToReread(ctx, tenant, after, page)
		if err != nil {
			return err
		}
		for _, u := range people {
			if err := rereadOne(ctx, store, u, tell); err != nil {
				return err
			}
			tenant, after = u.TenantID, u.ID
		}
		if len(people) < page {
			return nil
		}
	}
}

func rereadOne(ctx context.Context, store Rereader, u storage.User, tell func(u storage.User, what Found)) error {
	now, found := RereadUser(u)
	kept := u // with the key that it had
	kept.EmailVerified, kept.UsernameSkeleton = now.EmailVerified, now.UsernameSkeleton
	for _, try := range []struct {
		now  storage.User
		what []Found
	}{{now, found}, {withoutSkeleton(now), found}, {kept, []Found{FoundTwice}}, {withoutSkeleton(kept), []Found{FoundTwice}}} {
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
