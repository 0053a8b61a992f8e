package federation

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Linking is a signed-in user to whose account an identity is to be linked.
type Linking struct {
	User     storage.User
	ProvenAt time.Time // when the user has proven themselves
	ACR      string    // how strongly
}

// LinkStranger links the identity of a stranger to the account that its owner has proven since the
// stranger came. An identity is a way to sign in for good, so that a remembered device is not enough
// for an owner with a second factor. Its refusals are ErrProveAccount, people.ErrFactorFirst and
// people.ErrIdentityTaken.
func (s *Service) LinkStranger(ctx context.Context, a people.Asker, by Linking, who *Stranger) error {
	if !by.ProvenAt.After(who.Born) {
		return ErrProveAccount
	}
	u := by.User
	missing, err := s.OwnerACR(ctx, u, by.ACR)
	if err != nil {
		return err
	}
	if missing != "" {
		return people.ErrFactorFirst
	}
	link := who.identity(&u, time.Now())
	ch := storage.Change{Spend: []storage.Spent{who.spends(u.TenantID)}, Link: []storage.Identity{link}}
	if err := s.NoteLink(a, u, who.Upstream, storage.EventIdentityLinked, "identity.linked_mail", &ch); err != nil {
		return err
	}
	err = s.Apply(ctx, u, ch)
	if errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrStale) {
		return s.LinkedAlready(ctx, link)
	}
	if err == nil {
		err = s.syncGroups(ctx, a, u.ID, who)
	}
	return err
}
