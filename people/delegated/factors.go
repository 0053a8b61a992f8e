package delegated

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// StartFactor returns a new secret for an authenticator app of the user. The browser keeps it, sealed, until the user
// enters the first digits. Its refusal is ErrFactorOn.
func (s *Service) StartFactor(ctx context.Context, u storage.User) (people.TOTPSetup, error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return people.TOTPSetup{}, err
	}
	if hasApp(creds) {
		return people.TOTPSetup{}, ErrFactorOn
	}
	return s.StartTOTPSetup(u), nil
}

// hasApp reports whether there is an authenticator app among the credentials.
func hasApp(creds []storage.Credential) bool {
	return slices.ContainsFunc(creds, func(c storage.Credential) bool { return c.Kind == storage.TOTPCredential })
}

// ConfirmFactor gives the user the authenticator app of StartFactor, if otp is what it shows. The user gets recovery
// codes on the account page: the app has no place for them. The mail about it lets the owner of the account undo what
// an attacker did who found the browser signed in. Its refusals are ErrFactorOn, ErrFactorMissing and ErrFactorWrong.
func (s *Service) ConfirmFactor(
	ctx context.Context, a people.Asker, current sessions.Account, sealed, otp string,
) error {
	if otp == "" {
		return ErrFactorMissing
	}
	c, err := s.SignedInClaimant(ctx, current.Session, current.User)
	if err != nil {
		return err
	}
	if hasApp(c.Creds) {
		return ErrFactorOn
	}
	// Apps of Keratin AuthN have no page that asks for a password here.
	c.Since = time.Now()
	_, err = s.EnrolTOTP(ctx, a, c, sealed, otp)
	if _, wrong := errors.AsType[people.Faults](err); wrong || errors.Is(err, people.ErrOldSetup) ||
		errors.Is(err, people.ErrFactorFirst) {
		return ErrFactorWrong
	}
	return err
}

// DropFactor takes the authenticator app away from a user who gives what it shows, or signed in with it within the last
// minutes (people.Freshness). Its refusals are ErrFactorMissing, ErrFactorWrong and people.ErrFactorRequired.
func (s *Service) DropFactor(ctx context.Context, a people.Asker, current sessions.Account, otp string) error {
	u := current.User
	if on, err := s.OwnerACR(ctx, u, ""); err != nil || on == "" {
		return err // there is none
	}
	proven, acr := current.AuthTime, current.ACR
	if otp != "" {
		if err := s.ProveFactor(ctx, a, u, otp); err != nil {
			return err
		}
		proven, acr = time.Now(), storage.ACRMultiFactor
	}
	owner, err := s.Owner(ctx, u, proven, acr)
	if errors.Is(err, people.ErrSignInFirst) || errors.Is(err, people.ErrFactorFirst) {
		return ErrFactorMissing
	}
	if err != nil {
		return err
	}
	return s.SwitchOffFactor(ctx, a, owner)
}
