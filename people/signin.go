package people

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// ErrWrongPassword is every reason why a name and a password sign no user in.
	ErrWrongPassword = Refusal("signin.wrong")
	// ErrProveEmail says that a user who comes from an upstream provider has to confirm the address by
	// a mail first.
	ErrProveEmail = Refusal("federated.email_title")
	// ErrProveAccount says that the address has an account, which the user has to sign in to first.
	ErrProveAccount = Refusal("federated.account_title")
	// ErrNotAdmitted says that the user may not come in. It is told only to a user who has proven
	// the address.
	ErrNotAdmitted = Refusal("federated.closed_title")
	// ErrAccountSecured is ErrWrongPassword with the right password of an account that waits for
	// its owner's code.
	ErrAccountSecured = Refusal("signin.secured")
)

// ProvePassword returns the user whom name and password prove. What is wrong, if something is,
// shows neither in the answer nor in the time it takes: the attempt is counted before the
// password is hashed, and one is hashed whether or not there is an account. Its refusals are
// ErrWrongPassword and ErrAccountSecured.
func (s *Service) ProvePassword(ctx context.Context, a Asker, name, secret string) (storage.User, error) {
	why := ""
	user, cred, key, err := s.userPassword(ctx, a, name)
	if err != nil {
		return storage.User{}, err
	}
	guess, err := s.allowGuess(ctx, a, user, key)
	if err != nil {
		return storage.User{}, err
	}
	switch {
	case user.ID == "":
		why = "unknown"
	case user.Disabled:
		why = "disabled"
	case !a.UsesPasswords():
		why = "not a method"
	case cred.Data == nil:
		why = "no password"
	case guess.vain:
		why = "limited"
	}
	secured := why == "disabled" && !user.SecuredAt.IsZero() && a.UsesPasswords() && !guess.vain
	stored := cred.Data
	if why != "" && !secured {
		stored = nil // the same work, in vain
	}
	ok, outdated, err := s.passwordsFor(guess).Verify(ctx, stored, secret)
	switch {
	case errors.Is(err, argon2id.ErrMalformed):
		s.Note(ctx, "error", "stored password of "+user.ID+" cannot be read")
		why = "unreadable"
	case err != nil:
		guess.unseen(ctx)
		return storage.User{}, err
	case !ok && why == "":
		why = "password"
	}
	if why != "" {
		// Not the name: users type their password into its field.
		s.observe(ctx, a, storage.Event{
			Kind: storage.EventLoginFailed, UserID: user.ID, Actor: "anonymous", ClientID: a.ClientID,
			Detail: map[string]string{"reason": why},
		})
		if ok && secured {
			return storage.User{}, ErrAccountSecured
		}
		return storage.User{}, ErrWrongPassword
	}
	guess.right(ctx)
	if outdated {
		s.rehash(ctx, cred, secret)
	}
	return user, nil
}

// passwordsFor hashes for a guess: in the queue of known browsers if it comes from one.
func (s *Service) passwordsFor(g guess) *password.Hasher {
	if g.known {
		return s.Passwords.ReservedFor(g.person)
	}
	return s.Passwords
}

// rehash stores the password's hash anew, with the parameters of today. It may fail: the next
// sign-in tries again.
func (s *Service) rehash(ctx context.Context, cred storage.Credential, secret string) {
	fresh, err := s.Passwords.Hash(ctx, secret)
	if err == nil {
		was := cred.Data
		cred.Data, cred.UpdatedAt = fresh, time.Now()
		err = s.Store.PutCredential(ctx, cred, was)
	}
	if err != nil && !errors.Is(err, storage.ErrStale) { // stale: changed meanwhile
		s.Log.WarnContext(ctx, "password not hashed anew", "user", cred.UserID, "error", err)
	}
}
