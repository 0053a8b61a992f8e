package importing

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/storage"
)

// fresh checks the row, and that no row before it is of the same user.
func (im *run) fresh(r *readRow) (Checked, error) {
	if r.err != nil {
		return Checked{}, r.err
	}
	c, err := r.row.Check(im.rules)
	if err != nil {
		return c, err
	}
	phone := ""
	if c.User.PhoneVerified {
		phone = c.User.Phone
	}
	own := []struct{ what, key string }{
		{"id", r.row.ID}, {"email", c.User.EmailKey}, {"username", c.User.UsernameKey},
		{"username, or one that looks like it,", c.User.UsernameSkeleton}, {"verified phone_number", phone},
	}
	for _, o := range own {
		if line, ok := im.seen.line(o.what + " " + o.key); ok && o.key != "" {
			return c, fault("repeated", "line %d has this %s too", line, o.what)
		}
	}
	for _, o := range own {
		if o.key != "" {
			im.seen.add(o.what+" "+o.key, r.line)
		}
	}
	return c, nil
}

// add adds the user. there reports that the user exists, bad that another user has what is theirs.
func (im *run) add(ctx context.Context, c Checked) (there bool, bad, err error) {
	phone := CheckFree(ctx, im.store, c.User)
	if phone != nil || im.again || im.DryRun { // to look costs less than to fail to add
		if there, bad, err := im.taken(ctx, c); there || bad != nil || err != nil {
			return there, bad, err
		}
	}
	if taken, ok := errors.AsType[*Fault](phone); ok {
		return false, taken, nil
	}
	if phone != nil || im.DryRun {
		return false, nil, phone
	}
	if err := im.begin(); err != nil {
		return false, nil, err
	}
	err = c.Store(ctx, im.store)
	if !errors.Is(err, storage.ErrExists) {
		return false, nil, err
	}
	if there, bad, err = im.taken(ctx, c); there || bad != nil || err != nil {
		return there, bad, err
	}
	return false, fault("id.removed", "the id belonged to a user who was removed"), nil
}

// taken reports whether the user is there: another one has the id or address, or the name if the user has
// no address. bad is set if what the row says is of another user, or of two.
func (im *run) taken(ctx context.Context, c Checked) (there bool, bad, err error) {
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
		if alike || other.ID != found.ID || c.HasID && other.ID != u.ID || other.ID != u.ID && u.EmailKey != other.EmailKey {
			bad := fault("taken", "another user, %s, has its email, or its username or one that looks like it", other.ID)
			return false, bad, nil
		}
	}
	return found != nil, nil, nil
}
