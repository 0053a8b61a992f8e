package delegated

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// SignIn signs a user in who has entered a name and a password, and a second factor if the account has one. Its
// refusals are people.ErrWrongPassword, ErrLocked, people.ErrNewPassword, ErrFactorMissing and ErrFactorWrong.
func (s *Service) SignIn(ctx context.Context, a people.Asker, name, secret, otp string) (SignedIn, error) {
	u, err := s.ProvePassword(ctx, a, name, secret)
	switch {
	case errors.Is(err, people.ErrAccountSecured), errors.Is(err, people.ErrAccountDisabled):
		return SignedIn{}, ErrLocked
	case err != nil:
		return SignedIn{}, err
	}
	return s.Complete(ctx, a, u, time.Now(), otp, "pwd")
}

// SignedIn is a user who has signed in.
type SignedIn struct {
	User    storage.User
	Session storage.Session
	Kept    people.Kept // what the browser is to keep
}

// Complete signs a user in who has just proven to be the user by amr, with a second factor if the account has one.
// The session that the browser had before ends. Its refusals are people.ErrNewPassword, ErrFactorMissing and
// ErrFactorWrong.
func (s *Service) Complete(
	ctx context.Context, a people.Asker, u storage.User, since time.Time, otp string, amr ...string,
) (in SignedIn, err error) {
	before := a.Kept.Sessions
	a.Kept.Sessions, in.User = "", u
	c, err := s.Prove(ctx, a, u, since, amr...)
	if err != nil {
		return in, err
	}
	if s.MissingFactor(ctx, a, c, people.FactorWish{}).ACR == "" {
		done, err := s.Service.SignIn(ctx, a, c, people.FactorWish{})
		if err == nil && done.NewPassword {
			err = people.ErrNewPassword
		}
		if err != nil {
			return in, err
		}
		in.Session, in.Kept = done.Session, done.Kept
		return in, s.end(ctx, a, before)
	}
	if c.MustChangePassword() {
		return in, people.ErrNewPassword
	}
	if err := s.ProveFactor(ctx, a, u, otp); err != nil {
		return in, err
	}
	if in.Session, in.Kept, err = s.Raise(ctx, a, c, false, "otp"); err != nil {
		return in, err
	}
	return in, s.end(ctx, a, before)
}

// ProveFactor takes digits of the user's authenticator app, or a recovery code. A user whose second factor is a passkey
// has recovery codes, too. Its refusals are ErrFactorMissing and ErrFactorWrong.
func (s *Service) ProveFactor(ctx context.Context, a people.Asker, u storage.User, otp string) error {
	otp = strings.TrimSpace(otp)
	if otp == "" {
		return ErrFactorMissing
	}
	prove := s.ProveTOTP
	if strings.IndexFunc(otp, func(r rune) bool { return r != ' ' && (r < '0' || r > '9') }) >= 0 {
		prove = s.ProveRecovery
	}
	err := prove(ctx, a, u, otp)
	if _, wrong := errors.AsType[people.Faults](err); wrong {
		return ErrFactorWrong
	}
	return err
}

// proveMissing proves the second factor of a user who is proven by amr, if the account has one, and returns amr, then
// with what the factor adds. Its refusals are those of ProveFactor.
func (s *Service) proveMissing(
	ctx context.Context, a people.Asker, u storage.User, otp string, amr []string, adds ...string,
) ([]string, error) {
	c, err := s.Prove(ctx, a, u, time.Now(), amr...)
	if err != nil || s.MissingFactor(ctx, a, c, people.FactorWish{}).ACR == "" {
		return amr, err
	}
	return append(amr, adds...), s.ProveFactor(ctx, a, u, otp)
}

// end ends the session that a browser held before it got another one.
func (s *Service) end(ctx context.Context, a people.Asker, held string) error {
	a.Kept.Sessions = held
	_, err := s.SignOut(ctx, a)
	return err
}

// SignOut ends the session that the browser holds. It reports whether there was one.
func (s *Service) SignOut(ctx context.Context, a people.Asker) (ended bool, err error) {
	current, err := s.Keeper.Current(ctx, a.Tenant.ID, a.Kept.Sessions)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, ended, err = s.Keeper.End(ctx, a.Tenant.ID, a.Kept.Sessions, func(was sessions.Account, ch *storage.Change) {
		ch.Events = append(ch.Events, a.Event(storage.Event{
			Kind: storage.EventSessionEnded, UserID: was.UserID, Detail: map[string]string{"session": was.ID},
		}))
	}, current.ID)
	return ended, err
}

// Current returns the session that the browser holds. storage.ErrNotFound: there is none, or it has ended.
func (s *Service) Current(ctx context.Context, a people.Asker) (sessions.Account, error) {
	return s.Keeper.Current(ctx, a.Tenant.ID, a.Kept.Sessions)
}

// Refresh is Current, and has the session live on for as long as a new one. storage.ErrNotFound as there.
func (s *Service) Refresh(ctx context.Context, a people.Asker) (sessions.Account, error) {
	current, err := s.Current(ctx, a)
	if err != nil {
		return current, err
	}
	if err = s.Keeper.Extend(ctx, current); errors.Is(err, storage.ErrStale) {
		// It has ended at this very moment, or another request has extended it.
		return s.Current(ctx, a)
	}
	if err != nil {
		return current, err
	}
	return current, s.active(ctx, a, current)
}
