package delegated

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Service has the use cases. All fields but the lists are required.
type Service struct {
	*people.Service
	Federation *federation.Service
	Accounts   *administration.Accounts
	Numbers    storage.AccountNumbers
	Standings  storage.Standings
	// Tenant is the id of the tenant whose users the app signs in.
	Tenant string
	Names  Names
	// ResetLife and SignInLife are how long tokens work.
	ResetLife, SignInLife time.Duration
	// Counting says how active users are counted.
	Counting   administration.Counting
	Statistics storage.Statistics
	// Announces says that the app wants to hear of new passwords.
	Announces bool
}

// Kind is what is wrong with a field.
type Kind int

// Kinds of faults.
const (
	Missing Kind = iota
	Malformed
	Taken
	Insecure
)

// Fault is what is wrong with a field: "username" or "password".
type Fault struct {
	Field string
	Kind  Kind
}

// Faults are all that is wrong with what was entered.
type Faults []Fault

func (Faults) Error() string { return "invalid input" }

// Why nothing was done.
var (
	// ErrLocked says, after a proof, that the account is disabled.
	ErrLocked = errors.New("the account is locked")
	// ErrGone says, after a proof, that the account was removed.
	ErrGone = errors.New("there is no such account any more")
	// ErrToken is every reason why a token does not work.
	ErrToken = errors.New("the token does not work, or not any more")
	// ErrFactorMissing says that a second factor is needed, and none was given.
	ErrFactorMissing = errors.New("a second factor is missing")
	// ErrFactorWrong says that the second factor is none of the user's, or was used before.
	ErrFactorWrong = errors.New("the second factor is wrong")
	// ErrFactorOn says that the user has an authenticator app already.
	ErrFactorOn = errors.New("there is an authenticator app already")
	// ErrAdministrator says that an app may not change the account of an administrator.
	ErrAdministrator = errors.New("the account is an administrator's")
)

// Account returns the user with the number. Of a user who was removed only the number is known, and gone is true.
// storage.ErrNotFound: the number was never given.
func (s *Service) Account(ctx context.Context, a people.Asker, number int64) (u storage.User, gone bool, err error) {
	n, err := s.Numbers.Numbered(ctx, a.Tenant.ID, number)
	if err != nil {
		return u, false, err
	}
	u, err = s.Store.User(ctx, a.Tenant.ID, n.UserID)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.User{}, true, nil
	}
	return u, false, err
}

// Changeable is Account for what changes it. Its errors are storage.ErrNotFound, also for a user who was removed, and
// ErrAdministrator.
func (s *Service) Changeable(ctx context.Context, a people.Asker, number int64) (storage.User, error) {
	u, gone, err := s.Account(ctx, a, number)
	switch {
	case err != nil:
		return u, err
	case gone:
		return u, storage.ErrNotFound
	case u.AdminRole != "":
		return u, ErrAdministrator
	}
	return u, nil
}
