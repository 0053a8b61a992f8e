package administration

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Wanted is what a user is to be: all that an administrator can change about the record of one.
type Wanted struct {
	importing.Edit
	Disabled bool
	// Attributes are set; those that are nil are removed.
	Attributes map[string]any
	// AllowReserved also lets pass usernames that the tenant reserves.
	AllowReserved bool
}

// Want returns how the user would be, after the checks of Edit. It changes nothing.
func (s *Accounts) Want(ctx context.Context, a people.Asker, was storage.User, w Wanted) (storage.User, error) {
	u, _, err := s.replacing(ctx, a, was, w)
	return u, err
}

// Replace makes the user was what is wanted, in one change, and returns the user as they are then. storage.ErrStale:
// the user is not any more what was read. A user who is disabled by it is signed out as Disable does.
func (s *Accounts) Replace(ctx context.Context, a people.Asker, was storage.User, w Wanted) (storage.User, error) {
	u, ch, err := s.replacing(ctx, a, was, w)
	if err != nil || len(ch.Events) == 0 {
		return u, err
	}
	err = s.Store.Apply(ctx, ch)
	if errors.Is(err, storage.ErrExists) {
		err = s.taken(ctx, u, ch.Unique, err)
	}
	return u, err
}

// replacing returns the user as wanted, and the change that makes it. The change has no events if there is nothing to
// change.
func (s *Accounts) replacing(
	ctx context.Context, a people.Asker, was storage.User, w Wanted,
) (storage.User, storage.Change, error) {
	u, ch := was, storage.Change{TenantID: a.Tenant.ID, UserID: was.ID, Now: now(), RoleWas: a.RoleWas(was.ID)}
	if err := s.editRecord(ctx, a, &u, Edit{Edit: w.Edit, Attributes: w.Attributes}, w.AllowReserved, &ch); err != nil {
		return was, ch, err
	}
	if w.Disabled == was.Disabled {
		return u, ch, nil
	}
	kind := storage.EventUserEnabled
	u.Disabled, u.SecuredAt, u.UpdatedAt = w.Disabled, time.Time{}, ch.Now
	if u.Disabled {
		kind = storage.EventUserDisabled
		ch.EndSessions = &storage.SessionFilter{}
		ch.Revoke = []storage.Revocation{{GrantFilter: storage.GrantFilter{UserID: u.ID}, Why: "user disabled"}}
		ch.ForgetDevices = true
	}
	ch.Update, ch.UpdateOf = &u, was.UpdatedAt
	ch.Events = append(ch.Events, a.Event(storage.Event{Kind: kind, UserID: u.ID}))
	return u, ch, nil
}
