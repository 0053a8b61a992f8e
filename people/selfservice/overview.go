package selfservice

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Overview is how the subjects of a user's account stand.
type Overview struct {
	PasswordChanged            time.Time // zero without a password
	HasSecondFactor            bool
	Passkeys, Identities, Apps int
	Sessions, APIKeys          int
}

// Overview returns how the subjects of the user's account stand.
func (s Service) Overview(ctx context.Context, u storage.User) (o Overview, err error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return o, err
	}
	o.HasSecondFactor = storage.HasSecondFactor(creds)
	for _, c := range creds {
		switch c.Kind {
		case storage.PasswordCredential:
			o.PasswordChanged = c.UpdatedAt
		case storage.PasskeyCredential:
			o.Passkeys++
		}
	}
	identities, err := s.Identities(ctx, u)
	if err != nil {
		return o, err
	}
	sessions, err := s.Sessions(ctx, u)
	if err != nil {
		return o, err
	}
	apps, err := s.appsIn(ctx, u, sessions)
	if err != nil {
		return o, err
	}
	keys, err := s.Store.APIKeysOf(ctx, u.TenantID, u.ID, "")
	o.Identities, o.Sessions, o.Apps, o.APIKeys = len(identities), len(sessions), len(apps), len(keys)
	return o, err
}

// DeleteAccount deletes a user with all that belongs to the account. The id is never given to another
// user, so that no app takes a stranger for this one. Its refusal is ErrChangedMeanwhile.
func (s Service) DeleteAccount(ctx context.Context, a people.Asker, o people.Owner) error {
	u := o.User()
	mails, err := s.Notice(a, u, "account-deleted", map[string]string{}) // it cannot be undone
	if err != nil {
		return err
	}
	removed := a.Event(storage.Event{Kind: storage.EventUserRemoved, UserID: u.ID})
	err = s.Apply(ctx, u, storage.Change{Remove: true, Deliveries: mails, Events: []storage.Event{removed}})
	switch {
	case errors.Is(err, storage.ErrNotFound):
		err = people.ErrChangedMeanwhile
	case errors.Is(err, storage.ErrLastOwner):
		err = people.ErrLastOwner
	}
	return err
}
