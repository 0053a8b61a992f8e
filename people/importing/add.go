package importing

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
)

// fresh checks the row, and that no row before it is of the same user. In a lenient import a row loses a user
// name or a number that a row before it has.
func (im *run) fresh(r *Read) (Checked, error) {
	if r.Err != nil {
		return Checked{}, r.Err
	}
	for {
		c, err := im.check(r)
		if err != nil {
			return c, err
		}
		own := keysOf(c)
		repeated := im.repeated(own)
		if repeated == nil {
			for _, k := range own {
				im.seen.add(k.what+" "+k.value, r.Line)
			}
			return c, nil
		}
		if repeated.field == "email" || !im.lose(r, repeated) {
			return c, repeated
		}
	}
}

// key is what only one user may have.
type key struct{ field, what, value string }

// keysOf returns what only this user may have.
func keysOf(c Checked) []key {
	u, keys := c.User, []key(nil)
	add := func(field, what, value string) {
		if value != "" {
			keys = append(keys, key{field, what, value})
		}
	}
	if c.HasID {
		add("id", "id", u.ID)
	}
	add("external_id", "external_id", u.ExternalID)
	add("email", "email", u.EmailKey)
	add("username", "username", u.UsernameKey)
	add("username", "username, or one that looks like it,", u.UsernameSkeleton)
	if u.PhoneVerified {
		add("phone_number", "verified phone_number", u.Phone)
	}
	for name, value := range c.Unique {
		add("attributes", name, value)
	}
	for _, i := range c.Identities {
		add("identities", "identity at "+i.Provider, i.Subject)
	}
	return keys
}

// repeated returns a fault if a row before has one of the keys; nil if none has.
func (im *run) repeated(keys []key) *Fault {
	for _, k := range keys {
		if line, ok := im.seen.line(k.what + " " + k.value); ok {
			return faultOf(k.field, "repeated", "%s %d has this %s too", im.Place, line, k.what)
		}
	}
	return nil
}

// lookForAll looks for the users that are open.
func (im *run) lookForAll(ctx context.Context, all []outcome) {
	im.eachOpen(all, func(o *outcome) { o.settle(im.taken(ctx, o.user)) })
}

// checkPhones refuses users whose verified number another user has, unless they are there themselves.
func (im *run) checkPhones(ctx context.Context, all []outcome) {
	im.eachOpen(all, func(o *outcome) {
		err := CheckFree(ctx, im.store, o.user.User)
		taken, ok := errors.AsType[*Fault](err)
		if !ok {
			o.settle(false, nil, err)
			return
		}
		if there, bad, err := im.taken(ctx, o.user); there || bad != nil || err != nil {
			o.settle(there, bad, err)
			return
		}
		o.settle(false, taken, nil)
	})
}

// add adds the user alone. there reports that the user exists, bad that another user has what is theirs.
func (im *run) add(ctx context.Context, c Checked) (there bool, bad, err error) {
	err = c.Store(ctx, im.store, im.masters, im.event(c.User))
	if !errors.Is(err, storage.ErrExists) {
		return false, nil, err
	}
	if there, bad, err = im.taken(ctx, c); there || bad != nil || err != nil {
		return there, bad, err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Unique)) {
		other, err := im.store.UserByUnique(ctx, c.User.TenantID, name, c.Unique[name])
		if err == nil {
			return false, ofRule("attributes.taken", "another user, %s, already has this %s", other.ID, name), nil
		}
		if !errors.Is(err, storage.ErrNotFound) {
			return false, nil, err
		}
	}
	return false, ofRule("id.removed", "the id belonged to a user who was removed"), nil
}

// taken reports whether the user is there: another one has the id, external id, identity or address, or the name
// if the user has no address. bad is set if what the row says is of another user, or of two.
func (im *run) taken(ctx context.Context, c Checked) (there bool, bad, err error) {
	if c.Moved.Number != 0 {
		return im.takenNumbered(ctx, c)
	}
	return im.takenNamed(ctx, c)
}

// takenNamed is taken for a user without a number.
func (im *run) takenNamed(ctx context.Context, c Checked) (there bool, bad, err error) {
	if there, bad, err = im.cameBefore(ctx, c); there || bad != nil || err != nil {
		return there, bad, err
	}
	u := c.User
	var found *storage.User
	for _, find := range []struct {
		key string
		by  func() (storage.User, error)
	}{
		{u.ID, func() (storage.User, error) { return im.store.User(ctx, u.TenantID, u.ID) }},
		{u.EmailKey, func() (storage.User, error) { return im.store.UserByEmail(ctx, u.TenantID, u.EmailKey) }},
		{u.UsernameKey, func() (storage.User, error) { return im.store.UserByUsername(ctx, u.TenantID, u.UsernameKey) }},
		{u.UsernameSkeleton, func() (storage.User, error) {
			return im.store.UserBySkeleton(ctx, u.TenantID, u.UsernameSkeleton)
		}},
	} {
		if find.key == "" {
			continue
		}
		other, err := find.by()
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, nil, err
		}
		if found == nil {
			found = &other
		}
		alike := find.key == u.UsernameSkeleton && other.UsernameKey != u.UsernameKey
		if alike || other.ID != found.ID || c.HasID && other.ID != u.ID || cameAsAnother(other, u) ||
			other.ID != u.ID && u.EmailKey != other.EmailKey {
			return false, ofRule("taken", "another user, %s, already has this email, or this username or one that looks like it",
				other.ID), nil
		}
	}
	return found != nil, nil, nil
}

// cameAsAnother reports whether an import brought the other user under another external id than this one's.
func cameAsAnother(other, u storage.User) bool {
	return other.ExternalID != "" && u.ExternalID != "" && other.ExternalID != u.ExternalID
}

// shareName reports whether the users have the same address or the same user name.
func shareName(a, b storage.User) bool {
	return a.EmailKey != "" && a.EmailKey == b.EmailKey || a.UsernameKey != "" && a.UsernameKey == b.UsernameKey
}

// cameBefore reports whether an earlier import has brought the user: there is one with the external id, or with an
// identity. bad is set if they are another user's.
func (im *run) cameBefore(ctx context.Context, c Checked) (there bool, bad, err error) {
	u := c.User
	if u.ExternalID != "" {
		other, err := im.store.UserByExternalID(ctx, u.TenantID, u.ExternalID)
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return false, nil, err
		case shareName(other, u):
			return true, nil, nil
		default: // two products may both have a user 1
			return false, ofRule("taken", "another user, %s, already has this external_id, with another email and username",
				other.ID), nil
		}
	}
	for _, i := range c.Identities {
		known, err := im.store.Identity(ctx, u.TenantID, i.Provider, i.Subject)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, nil, err
		}
		other, err := im.store.User(ctx, u.TenantID, known.UserID)
		if err != nil {
			return false, nil, err
		}
		if c.HasID && other.ID != u.ID || cameAsAnother(other, u) {
			return false, ofRule("taken", "another user, %s, already has this identity at %s", other.ID, i.Provider), nil
		}
		return true, nil, nil
	}
	return false, nil, nil
}
