package people

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

// DeleteAccount deletes a user with all that belongs to the account. The id is never given to another
// user, so that no app takes a stranger for this one. storage.ErrNotFound and storage.ErrStale: the
// account was deleted or its credentials changed meanwhile.
func (s *Service) DeleteAccount(ctx context.Context, a Asker, o Owner) error {
	u := o.user
	mails, err := s.notice(a, u, "account-deleted", map[string]string{}) // it cannot be undone
	if err != nil {
		return err
	}
	removed := a.event(storage.Event{Kind: storage.EventUserRemoved, UserID: u.ID})
	return s.apply(ctx, u, storage.Change{Remove: true, Deliveries: mails, Events: []storage.Event{removed}})
}
