package delegated

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/password/strength"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Score returns how hard a password is to guess, and the least score of a new one. What is wrong is Faults.
func (s *Service) Score(ctx context.Context, a people.Asker, secret string) (score, required int, err error) {
	if secret == "" {
		return 0, 0, Faults{{"password", Missing}}
	}
	if err := s.AllowForm(ctx, a); err != nil {
		return 0, 0, err
	}
	return strength.Score(secret), s.Policy.MinScore, nil
}

// NewPassword is what a user who is signed in enters to change the password.
type NewPassword struct{ Old, New, OTP string }

// ChangePassword gives the user of a session a new password. All sessions end, and the user has a new one. What is
// wrong is Faults; its refusals are people.ErrWrongPassword for the old password, ErrFactorMissing and ErrFactorWrong.
func (s *Service) ChangePassword(
	ctx context.Context, a people.Asker, current sessions.Account, in NewPassword,
) (done SignedIn, err error) {
	u := current.User
	if in.New == "" {
		return done, Faults{{"password", Missing}}
	}
	if missing, err := s.OwnerACR(ctx, u, current.ACR); err != nil {
		return done, err
	} else if missing != "" { // the factor was switched on after this session began
		if err := s.ProveFactor(ctx, a, u, in.OTP); err != nil {
			return done, err
		}
	}
	u, err = s.Service.ChangePassword(ctx, a, u, people.NewPassword{Old: in.Old, New: in.New, Session: current.ID})
	if found, ok := errors.AsType[people.Faults](err); ok {
		if wrong := passwordFaults(found, in.New); wrong != nil {
			return done, wrong
		}
		return done, people.ErrWrongPassword
	}
	if errors.Is(err, people.ErrSignInFirst) { // a user without a password
		return done, people.ErrWrongPassword
	}
	if err != nil {
		return done, err
	}
	a.Kept.Sessions = ""
	done.User = u
	done.Session, done.Kept, err = s.Reopen(ctx, a, u, current.Session)
	return done, err
}

// Expire ends all sessions of a user, takes the authenticator app away, and has the user choose a new password before
// the next sign-in by password.
func (s *Service) Expire(ctx context.Context, a people.Asker, u storage.User) error {
	for {
		creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
		if err != nil {
			return err
		}
		ch := storage.Change{
			EndSessions: &storage.SessionFilter{},
			Revoke: []storage.Revocation{{
				GrantFilter: storage.GrantFilter{UserID: u.ID}, Why: "password expired by an app",
			}},
			ForgetDevices: true,
			Events:        []storage.Event{a.Event(storage.Event{Kind: storage.EventPasswordExpired, UserID: u.ID})},
		}
		expire(creds, &ch)
		if err = s.ApplyAnyVersion(ctx, u, ch); !errors.Is(err, storage.ErrStale) {
			return err
		}
	}
}

// expire adds to the change what it does to credentials. Passkeys stay, and recovery codes while there are passkeys.
func expire(creds []storage.Credential, ch *storage.Change) {
	passkeys := false
	for _, c := range creds {
		passkeys = passkeys || c.Kind == storage.PasskeyCredential
	}
	for _, c := range creds {
		switch {
		case c.Kind == storage.PasswordCredential:
			expired := c
			expired.ExpiresAt = time.Now()
			ch.Swap = append(ch.Swap, storage.CredentialSwap{Credential: expired, Was: c.Data})
		case c.Kind == storage.TOTPCredential, c.Kind == storage.DeviceCredential,
			c.Kind == storage.RecoveryCredential && !passkeys:
			ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: c.Kind, ID: c.ID})
		}
	}
}
