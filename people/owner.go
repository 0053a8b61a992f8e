package people

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Freshness is how long a proof allows what only the account's owner may do. A stranger who finds a
// browser signed in has its session, but not what opened it.
const Freshness = 5 * time.Minute

// IsFresh reports whether the proof of that time is no older than Freshness.
func IsFresh(proven time.Time) bool { return storage.Within(proven, time.Now(), Freshness) }

const (
	// ErrSignInFirst says that the user has to sign in again: the last proof is older than Freshness.
	ErrSignInFirst = Refusal("signin.again")
	// ErrFactorFirst says that the user has to give the second factor, without which the sign-in was done.
	ErrFactorFirst = Refusal("factor.title")
)

// Owner is a user who has just proven to own the account. A use case that takes one needs a fresh
// sign-in, and no door can forget to ask for it: only Service.Owner makes one.
type Owner struct{ user storage.User }

// Owner returns the user as owner of the account, by a sign-in of that time and strength (ACR). If the
// user has a second factor, the sign-in has to have included it: a remembered device is not enough,
// because a stranger who knows the password could change everything else from it. Its refusals are
// ErrSignInFirst and ErrFactorFirst.
func (s *Service) Owner(ctx context.Context, u storage.User, proven time.Time, acr string) (Owner, error) {
	if !IsFresh(proven) {
		return Owner{}, ErrSignInFirst
	}
	missing, err := s.OwnerACR(ctx, u, acr)
	if err == nil && missing != "" {
		err = ErrFactorFirst
	}
	if err != nil {
		return Owner{}, err
	}
	return Owner{u}, nil
}

// OwnerACR returns the strength that a fresh sign-in of the user must have to make an Owner; "" if acr is
// enough.
func (s *Service) OwnerACR(ctx context.Context, u storage.User, acr string) (string, error) {
	if storage.ReachesACR(acr, storage.ACRMultiFactor) {
		return "", nil
	}
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err == nil && storage.HasSecondFactor(creds) {
		return storage.ACRMultiFactor, nil
	}
	return "", err
}
