package people

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ProveTOTP takes the digits that a user's authenticator app shows; each works once. Digits that
// are wrong are Faults of the field code.
func (s *Service) ProveTOTP(ctx context.Context, a Asker, user storage.User, digits string) error {
	return s.proveFactor(ctx, a, user, storage.TOTPCredential, func(cred storage.Credential) ([]byte, error) {
		app, err := s.openTOTP(user, cred)
		if err != nil {
			return nil, err
		}
		used, ok := app.Use(digits, time.Now())
		if !ok {
			return nil, ErrWrongFactor
		}
		return s.sealTOTP(user, used), nil
	})
}

// ProveRecovery takes one of a user's recovery codes, once, and tells the user by mail. A code that
// is wrong is a fault of the field code.
func (s *Service) ProveRecovery(ctx context.Context, a Asker, user storage.User, code string) error {
	return s.proveFactor(ctx, a, user, storage.RecoveryCredential, func(cred storage.Credential) ([]byte, error) {
		codes, err := factor.OpenRecovery(s.Secrets.Box(user.TenantID, secret.RecoveryCodes), cred.Data)
		if err != nil {
			return nil, err
		}
		left, ok := codes.Use(user.ID, code)
		if !ok {
			return nil, ErrWrongFactor
		}
		return s.sealRecovery(user, left), nil
	})
}

func (s *Service) sealRecovery(user storage.User, codes factor.Recovery) []byte {
	return codes.Seal(s.Secrets.Box(user.TenantID, secret.RecoveryCodes))
}

// recoveryLeft returns how many recovery codes a user has: none if they cannot be read.
func (s *Service) recoveryLeft(ctx context.Context, cred storage.Credential) int {
	codes, err := factor.OpenRecovery(s.Secrets.Box(cred.TenantID, secret.RecoveryCodes), cred.Data)
	if err != nil {
		s.Note(ctx, "error", "stored recovery codes of "+cred.UserID+" cannot be read")
		return 0
	}
	return codes.Left()
}

// ErrWrongFactor says that a code is none of the user's, or was used before.
var ErrWrongFactor = Invalid("code", "factor.wrong")

// proveFactor counts the attempt, and has use say what stays of the credential when it is
// used: of several uses at once, one succeeds.
func (s *Service) proveFactor(ctx context.Context, a Asker, user storage.User, kind string,
	use func(storage.Credential) ([]byte, error),
) error {
	right, err := s.allowFactor(ctx, a, user)
	if err != nil {
		return err
	}
	err = s.useFactor(ctx, a, user, kind, use)
	if errors.Is(err, storage.ErrStale) { // used elsewhere, or sealed anew: the second look tells
		err = s.useFactor(ctx, a, user, kind, use)
	}
	var wrong Faults
	switch {
	case err == nil:
		right()
		return nil
	case errors.Is(err, storage.ErrStale): // used by another request at this very moment
		err = ErrWrongFactor
	case !errors.As(err, &wrong):
		return err
	}
	s.observe(ctx, a, storage.Event{Kind: storage.EventFactorFailed, UserID: user.ID, Actor: "anonymous",
		Detail: map[string]string{"factor": kind}})
	return err
}

// useFactor stores what use leaves of the credential. ErrStale: it was changed meanwhile.
func (s *Service) useFactor(ctx context.Context, a Asker, user storage.User, kind string,
	use func(storage.Credential) ([]byte, error),
) error {
	cred, err := s.Store.Credential(ctx, user.TenantID, user.ID, kind, "")
	if errors.Is(err, storage.ErrNotFound) {
		return ErrWrongFactor
	}
	if err != nil {
		return err
	}
	was := cred.Data
	if cred.Data, err = use(cred); errors.Is(err, secret.ErrInvalid) {
		s.Note(ctx, "error", "stored "+kind+" of "+user.ID+" was sealed with a master secret that is gone")
		return ErrWrongFactor
	}
	if err != nil {
		return err
	}
	cred.UpdatedAt = time.Now()
	ch := storage.Change{Swap: []storage.CredentialSwap{{Credential: cred, Was: was}}}
	if kind == storage.RecoveryCredential {
		ch.Events = []storage.Event{a.event(storage.Event{Kind: storage.EventFactorRecovered, UserID: user.ID})}
		if ch.Deliveries, err = s.changeNotice(a, user, "factor.told_recovered"); err != nil {
			return err
		}
	}
	return s.apply(ctx, user, ch)
}

// openTOTP and sealTOTP read and write the user's secret as it is stored. It is sealed with the
// user's id: copied to another row it opens nothing.
func (s *Service) openTOTP(user storage.User, cred storage.Credential) (factor.TOTP, error) {
	plain, err := s.Secrets.Box(user.TenantID, secret.TOTP).Open(cred.Data)
	if err != nil {
		return factor.TOTP{}, err
	}
	rest, ok := strings.CutPrefix(string(plain), user.ID)
	if !ok {
		return factor.TOTP{}, errors.New("the TOTP secret is another user's")
	}
	return factor.ParseTOTP([]byte(rest))
}

func (s *Service) sealTOTP(user storage.User, app factor.TOTP) []byte {
	return s.Secrets.Box(user.TenantID, secret.TOTP).Seal(append([]byte(user.ID), app.Bytes()...))
}
