package people

import (
	"context"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// ErrNewPassword says that a user has proven all that is needed, and has to change the password before the sign-in
// is complete: an administrator wants so.
const ErrNewPassword = Refusal("expired.lead")

// MustChangePassword reports whether the claimant signs in by a password that has to be changed first.
func (c Claimant) MustChangePassword() bool {
	return !c.IsSignedIn() && slices.Contains(c.AMR, "pwd") && expired(c.Creds)
}

// expired reports whether the password among the credentials has to be changed.
func expired(creds []storage.Credential) bool {
	return slices.ContainsFunc(creds, func(c storage.Credential) bool {
		return c.Kind == storage.PasswordCredential && !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(time.Now())
	})
}

// ReplaceExpired gives a claimant who has proven all else the new password, and opens the session. What is wrong with
// the password is a fault of the field. The current one is refused, whatever the tenant says about former ones.
// ErrNoClaimant: something else is missing, the password was changed meanwhile, or the sign-in was finished before.
func (s *Service) ReplaceExpired(
	ctx context.Context, a Asker, c Claimant, wish FactorWish, field, secret string,
) (storage.Session, Kept, error) {
	if !c.MustChangePassword() || s.MissingFactor(ctx, a, c, wish).ACR != "" {
		return storage.Session{}, a.Kept, ErrNoClaimant
	}
	if err := s.allowForm(ctx, a); err != nil {
		return storage.Session{}, a.Kept, err
	}
	ch, err := s.passwordChange(ctx, a, c.User, field, secret)
	if err != nil {
		return storage.Session{}, a.Kept, err
	}
	ch.Events = append(ch.Events, a.Event(storage.Event{Kind: storage.EventPasswordChanged, UserID: c.User.ID}))
	if err := s.Apply(ctx, c.User, ch); err != nil {
		return storage.Session{}, a.Kept, err
	}
	c.User.CredentialVersion++ // see ChangePassword
	c.Since = time.Now()
	return s.openSession(ctx, a, c)
}
