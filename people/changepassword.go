package people

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// HasPassword reports whether the user has a password.
func (s *Service) HasPassword(ctx context.Context, u storage.User) (bool, error) {
	_, err := s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// NewPassword is what a user enters to change the password.
type NewPassword struct {
	Old string // not used if the user has no password
	New string
	// Session is the id of the session in which the user asks; "" for an app.
	Session string
	// Owner is required if the user has no password.
	Owner Owner
}

// ChangePassword gives the user a new password, and returns the user as the change leaves it, for
// whom the door may open a session again: all sessions and grants end. The user proves the old
// password or, if there is none, to be the Owner. Its refusals are
// ErrSignInFirst and ErrChangedMeanwhile.
func (s *Service) ChangePassword(ctx context.Context, a Asker, u storage.User, in NewPassword) (storage.User, error) {
	cred, err := s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return u, err
	}
	switch {
	case err == nil:
		err = s.proveOld(ctx, a, u, cred, in)
	case in.Owner.user.ID == u.ID:
		err = nil
	default:
		err = ErrSignInFirst
	}
	if err != nil {
		return u, err
	}
	ch, err := s.passwordChange(ctx, a, u, "password", in.New)
	if err != nil {
		return u, err
	}
	ch.Events = append(ch.Events, a.event(storage.Event{Kind: storage.EventPasswordChanged, UserID: u.ID}))
	if err := s.apply(ctx, u, ch); err != nil {
		return u, err
	}
	u.CredentialVersion++ // not as stored: another change that was made meanwhile must not be undone
	return u, nil
}

// proveOld checks the user's password, and counts the guesses of an attacker who found the user's
// browser signed in.
func (s *Service) proveOld(ctx context.Context, a Asker, u storage.User,
	cred storage.Credential, in NewPassword,
) error {
	if in.Old == "" || len(in.Old) > password.MaxLength {
		return Invalid("old_password", "newpassword.missing")
	}
	guess, err := s.allowOwner(ctx, a, u, in.Session)
	if err != nil {
		return err
	}
	ok, _, err := s.passwordsFor(guess).Verify(ctx, cred.Data, in.Old)
	if err != nil && !errors.Is(err, argon2id.ErrMalformed) {
		guess.unseen(ctx)
		return err
	}
	if !ok {
		s.observe(ctx, a, storage.Event{Kind: storage.EventPasswordRefused, UserID: u.ID})
		return Invalid("old_password", "newpassword.wrong")
	}
	guess.right(ctx)
	return nil
}

// SignsOutEverywhere reports whether a new password ends the session in which the user changed it, too:
// the tenant wants so.
func (a Asker) SignsOutEverywhere() bool {
	return a.Tenant.Settings.Passwords.SignOut == storage.SignOutAll
}
