package people

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// setupLife is how long a user may take to set up an authenticator app.
const setupLife = 15 * time.Minute

// TOTPSetup is the secret that a user is about to give to an authenticator app.
type TOTPSetup struct {
	App    factor.TOTP
	Sealed string // the same, to come back with the first digits
}

// ErrOldSetup says that the secret was made for another user, or too long ago.
const ErrOldSetup = Refusal("enrol.old")

// StartTOTPSetup makes a secret for an authenticator app of the user, and stores nothing.
func (s *Service) StartTOTPSetup(u storage.User) TOTPSetup {
	app := factor.NewTOTP()
	plain := binary.BigEndian.AppendUint64([]byte(u.ID), uint64(time.Now().Unix()))
	return TOTPSetup{app, s.Secrets.Box(u.TenantID, secret.TOTPSetup).SealString(append(plain, app.Bytes()...))}
}

// OpenTOTP opens what StartTOTPSetup sealed for the user. Its refusal is ErrOldSetup.
func (s *Service) OpenTOTPSetup(u storage.User, sealed string) (TOTPSetup, error) {
	plain, err := s.Secrets.Box(u.TenantID, secret.TOTPSetup).OpenString(sealed)
	if err != nil {
		return TOTPSetup{}, ErrOldSetup
	}
	rest, ok := strings.CutPrefix(string(plain), u.ID)
	if !ok || len(rest) < 8 {
		return TOTPSetup{}, ErrOldSetup
	}
	begun := time.Unix(int64(binary.BigEndian.Uint64([]byte(rest[:8]))), 0)
	if !storage.Within(begun, time.Now(), setupLife) {
		return TOTPSetup{}, ErrOldSetup
	}
	app, err := factor.ParseTOTP([]byte(rest[8:]))
	return TOTPSetup{app, sealed}, err
}

// EnrolTOTP gives the claimant the app as second factor, in place of any before, if digits are what
// it shows, and returns new recovery codes. The user is told by mail. A user who had no second
// factor loses all other sessions. Digits that are wrong are Faults of the field code.
// Its refusal is ErrChangedMeanwhile.
func (s *Service) EnrolTOTP(ctx context.Context, a Asker, c Claimant, app factor.TOTP, digits string) (codes []string, err error) {
	for _, cred := range c.Creds {
		if cred.Kind != storage.TOTPCredential {
			continue
		}
		if has, err := s.openTOTP(c.User, cred); err == nil && has.Text() == app.Text() {
			return nil, Invalid("code", "enrol.again") // the form was sent twice
		}
	}
	now := time.Now()
	used, ok := app.Use(digits, now)
	if !ok {
		return nil, ErrWrongFactor
	}
	kind := storage.EventFactorOn
	if storage.HasSecondFactor(c.Creds) {
		kind = storage.EventFactorReplaced
	}
	ch, codes, err := s.newRecoveryCodes(a, c, kind)
	if err != nil {
		return nil, err
	}
	keepFormer(&ch, c.Creds, storage.TOTPCredential)
	ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: storage.TOTPCredential}) // it is another from now on
	ch.Credentials = append(ch.Credentials, storage.Credential{
		Kind: storage.TOTPCredential, Data: s.sealTOTP(c.User, used), CreatedAt: now, UpdatedAt: now,
	})
	return codes, s.changeFactor(ctx, c, ch, kind)
}

// RenewRecoveryCodes gives the claimant new recovery codes, which also make passkeys a second factor,
// and tells the user by mail. A user who had no second factor loses all other sessions.
// Its refusal is ErrChangedMeanwhile.
func (s *Service) RenewRecoveryCodes(ctx context.Context, a Asker, c Claimant) (codes []string, err error) {
	kind := storage.EventFactorCodes
	if !storage.HasSecondFactor(c.Creds) {
		kind = storage.EventFactorOn
	}
	ch, codes, err := s.newRecoveryCodes(a, c, kind)
	if err != nil {
		return nil, err
	}
	return codes, s.changeFactor(ctx, c, ch, kind)
}

// factorChanges are the texts of the mails about changes of the second factor, by kind of event.
var factorChanges = map[string]string{
	storage.EventFactorOn:       "factor.told_on",
	storage.EventFactorReplaced: "factor.told_app",
	storage.EventFactorCodes:    "factor.told_codes",
}

// newRecoveryCodes returns the change that gives the claimant recovery codes in place of those before,
// with the event and the mail that say what for.
func (s *Service) newRecoveryCodes(a Asker, c Claimant, kind string) (storage.Change, []string, error) {
	now := time.Now()
	codes, left := factor.NewRecovery(c.User.ID)
	ch := storage.Change{
		RemoveCredentials: []storage.CredentialKey{{Kind: storage.RecoveryCredential}},
		Credentials: []storage.Credential{{
			Kind: storage.RecoveryCredential, Data: s.sealRecovery(c.User, left), CreatedAt: now, UpdatedAt: now,
		}},
		Events: []storage.Event{a.event(storage.Event{Kind: kind, UserID: c.User.ID})},
	}
	keepFormer(&ch, c.Creds, storage.RecoveryCredential)
	mails, err := s.changeNotice(a, c.User, factorChanges[kind])
	ch.Deliveries = mails
	return ch, codes, err
}

// changeFactor makes the change. If it switches a second factor on, it ends all sessions but the
// claimant's: an attacker who got in by less is out.
func (s *Service) changeFactor(ctx context.Context, c Claimant, ch storage.Change, kind string) error {
	if err := s.apply(ctx, c.User, ch); err != nil || kind != storage.EventFactorOn {
		return err
	}
	err := s.applyAnyVersion(ctx, c.User, storage.Change{EndSessions: &storage.SessionFilter{Except: c.Session.ID}})
	if errors.Is(err, storage.ErrStale) { // that one was ended meanwhile: none is left to keep
		err = s.applyAnyVersion(ctx, c.User, storage.Change{EndSessions: &storage.SessionFilter{}})
	}
	return err
}
