package people

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/storage"
)

// DeleteAccount deletes a user with all that belongs to the account. The id is never given to another
// user, so that no app takes a stranger for this one. Its refusal is ErrChangedMeanwhile.
func (s *Service) DeleteAccount(ctx context.Context, a Asker, o Owner) error {
	u := o.user
	mails, err := s.notice(a, u, "account-deleted", map[string]string{}) // it cannot be undone
	if err != nil {
		return err
	}
	removed := a.event(storage.Event{Kind: storage.EventUserRemoved, UserID: u.ID})
	err = s.apply(ctx, u, storage.Change{Remove: true, Deliveries: mails, Events: []storage.Event{removed}})
	if errors.Is(err, storage.ErrNotFound) {
		err = ErrChangedMeanwhile
	}
	return err
}
