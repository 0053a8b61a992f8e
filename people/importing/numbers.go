package importing

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

// takenNumbered is taken for a user with a number. Only a user who came from Keratin AuthN is that user. One who has
// the same name here is another: the app would show what belongs to the number to a stranger.
func (im *run) takenNumbered(ctx context.Context, c Checked) (there bool, bad, err error) {
	n, err := im.store.Numbered(ctx, c.User.TenantID, c.Moved.Number)
	switch {
	case errors.Is(err, storage.ErrNotFound), err == nil && n.Reserved():
		return im.takenUnnumbered(ctx, c)
	case err != nil:
		return false, nil, err
	}
	other, err := im.store.User(ctx, c.User.TenantID, n.UserID)
	switch {
	case errors.Is(err, storage.ErrNotFound): // was removed here after an earlier import
		return true, nil, nil
	case err != nil:
		return false, nil, err
	case other.ExternalID == c.User.ExternalID:
		return true, nil, nil
	}
	return false, faultOf("id", "taken", "another user, %s, has the number %d: apps have met that user before the import",
		other.ID, n.Number), nil
}

// takenUnnumbered is takenNumbered for a number that no user has.
func (im *run) takenUnnumbered(ctx context.Context, c Checked) (there bool, bad, err error) {
	other, err := im.store.UserByExternalID(ctx, c.User.TenantID, c.User.ExternalID)
	if err == nil && shareName(other, c.User) { // came with a file, before numbers were kept
		return im.number(ctx, c, other)
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return false, nil, err
	}
	if there, bad, err = im.takenNamed(ctx, c); there {
		bad = ofRule("taken", "another user, who did not come from Keratin AuthN, already has this email or username")
		return false, bad, nil
	}
	return false, bad, err
}

// number gives a user who is there the number of the row.
func (im *run) number(ctx context.Context, c Checked, u storage.User) (there bool, bad, err error) {
	if im.DryRun {
		return true, nil, nil
	}
	var ch storage.Change
	ch.TenantID, ch.Now = u.TenantID, im.rules.Now
	ch.Numbers = []storage.AccountNumber{{TenantID: u.TenantID, Number: c.Moved.Number, UserID: u.ID, CreatedAt: ch.Now}}
	err = im.store.Apply(ctx, ch)
	if errors.Is(err, storage.ErrExists) {
		return false, faultOf("id", "taken", "the user is there as %s, but apps know the user by another number", u.ID), nil
	}
	return err == nil, nil, err
}

// reserve has users who are numbered from now on get greater numbers than those of the rows, and of all that come.
func (im *run) reserve(ctx context.Context, rows []Read) error {
	most := im.LastNumber
	for _, r := range rows {
		most = max(most, r.Row.Moved.Number)
	}
	if most <= im.reserved {
		return nil
	}
	im.reserved = most
	return im.store.ReserveNumber(ctx, im.rules.Tenant, most, im.rules.Now)
}

// keepRemoved keeps the numbers of users who are left out because they were removed: apps still ask for them.
func (im *run) keepRemoved(ctx context.Context, rows []Read) error {
	ch := storage.Change{TenantID: im.rules.Tenant, Now: im.rules.Now}
	for _, r := range rows {
		if r.Skip == nil || r.Row.Moved.Number == 0 {
			continue
		}
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		ch.Numbers = append(ch.Numbers, storage.AccountNumber{
			TenantID: ch.TenantID, Number: r.Row.Moved.Number, UserID: id.String(), CreatedAt: ch.Now,
		})
	}
	if len(ch.Numbers) == 0 {
		return nil
	}
	err := im.store.Apply(ctx, ch)
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	for _, n := range ch.Numbers { // some were kept by an earlier import
		if err := im.store.KeepNumber(ctx, n); err != nil && !errors.Is(err, storage.ErrExists) {
			return err
		}
	}
	return nil
}
