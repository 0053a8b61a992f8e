package people

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// setupLife is how long a user may take to set up an authenticator app.
const setupLife = 15 * time.Minute

const (
	// ErrOldSetup says that the set-up of an authenticator app is another user's, or too old.
	ErrOldSetup = Refusal("enrol.old")
	// ErrFactorRequired says that the tenant demands a second factor from all its users.
	ErrFactorRequired = Refusal("factors.must")
)

// ErrNoFactor says that the user has no factor that recovery codes could stand in for.
var ErrNoFactor = errors.New("there is no second factor")

// Factors are a user's second factors, and what stands in for them.
type Factors struct {
	On       bool      // a second factor is asked for when the user signs in
	Required bool      // the tenant demands one from all its users
	App      time.Time // when the authenticator app was set up; zero for none
	Passkeys int
	Codes    int // recovery codes that are left
	Devices  []RememberedDevice
}

// Factors returns the user's second factors.
func (s *Service) Factors(ctx context.Context, a Asker, u storage.User) (Factors, error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return Factors{}, err
	}
	f := Factors{On: storage.HasSecondFactor(creds), Required: a.requiresFactor()}
	for _, c := range creds {
		switch c.Kind {
		case storage.TOTPCredential:
			f.App = c.CreatedAt
		case storage.PasskeyCredential:
			f.Passkeys++
		case storage.RecoveryCredential:
			f.Codes = s.recoveryLeft(ctx, c)
		}
	}
	if f.On {
		f.Devices = RememberedDevices(a, u, creds)
	}
	return f, nil
}

// requiresFactor reports whether the tenant demands a second factor from all its users.
func (a Asker) requiresFactor() bool {
	return a.Tenant.Settings.SecondFactor.Require == storage.SecondFactorAlways
}

// TOTPSetup is an authenticator app that a user is about to set up. Nothing of it is stored: Sealed comes
// back with the first digits that the app shows.
type TOTPSetup struct {
	App    factor.TOTP
	Sealed string // for this user, and for 15 minutes
}

// StartTOTPSetup returns a new secret for an authenticator app of the user.
func (s *Service) StartTOTPSetup(u storage.User) TOTPSetup {
	app := factor.NewTOTP()
	plain := binary.BigEndian.AppendUint64([]byte(u.ID), uint64(time.Now().Unix()))
	return TOTPSetup{app, s.Secrets.Box(u.TenantID, secret.TOTPSetup).SealString(append(plain, app.Bytes()...))}
}

// OpenTOTPSetup returns what StartTOTPSetup returned for the user. Its refusal is ErrOldSetup.
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

// ResumeTOTPSetup returns what StartTOTPSetup returned for the user, or a new secret if that is too old or
// was made for another user.
func (s *Service) ResumeTOTPSetup(u storage.User, sealed string) TOTPSetup {
	if setup, err := s.OpenTOTPSetup(u, sealed); err == nil {
		return setup
	}
	return s.StartTOTPSetup(u)
}

// EnrolTOTP gives the claimant the authenticator app of a set-up in place of the one before, if digits
// are what the app shows, and returns new recovery codes. The user is told by mail. If the user had no
// second factor, all sessions but the claimant's end. Its refusals are ErrOldSetup, ErrSignInFirst,
// ErrFactorFirst and ErrChangedMeanwhile.
func (s *Service) EnrolTOTP(ctx context.Context, a Asker, c Claimant, sealed,
	digits string,
) (codes []string, err error) {
	if err := c.mayChangeFactors(); err != nil {
		return nil, err
	}
	setup, err := s.OpenTOTPSetup(c.User, sealed)
	if err != nil {
		return nil, err
	}
	if s.hasApp(c, setup.App) {
		return nil, Invalid("code", "enrol.again") // the form was sent twice
	}
	now := time.Now()
	used, ok := setup.App.Use(digits, now)
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
	// the one before
	ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: storage.TOTPCredential})
	ch.Credentials = append(ch.Credentials,
		storage.Credential{Kind: storage.TOTPCredential, Data: s.sealTOTP(c.User, used), CreatedAt: now, UpdatedAt: now})
	return codes, s.changeFactor(ctx, c, kind, ch)
}

// mayChangeFactors refuses a claimant who has a second factor and has not given it, or whose sign-in is
// not fresh. A sign-in that waits for a second factor has just begun.
func (c Claimant) mayChangeFactors() error {
	switch {
	case c.IsSignedIn() && !IsFresh(c.Since):
		return ErrSignInFirst
	case storage.HasSecondFactor(c.Creds) && !storage.ReachesACR(c.ACR, storage.ACRMultiFactor):
		return ErrFactorFirst
	}
	return nil
}

// hasApp reports whether the claimant has the authenticator app already.
func (s *Service) hasApp(c Claimant, app factor.TOTP) bool {
	return slices.ContainsFunc(c.Creds, func(cred storage.Credential) bool {
		if cred.Kind != storage.TOTPCredential {
			return false
		}
		has, err := s.openTOTP(c.User, cred)
		return err == nil && has.Text() == app.Text()
	})
}

// RenewRecoveryCodes gives the claimant new recovery codes in place of those before, tells the user by mail, and
// returns them. With recovery codes passkeys are a second factor, too: if they were none before, all
// sessions but the claimant's end. ErrNoFactor. Its refusals are ErrSignInFirst,
// ErrFactorFirst and ErrChangedMeanwhile.
func (s *Service) RenewRecoveryCodes(ctx context.Context, a Asker, c Claimant) (codes []string, err error) {
	if err := c.mayChangeFactors(); err != nil {
		return nil, err
	}
	kind := storage.EventFactorCodes
	if !storage.HasSecondFactor(c.Creds) {
		kind = storage.EventFactorOn
		if !slices.ContainsFunc(c.Creds, func(cred storage.Credential) bool {
			return cred.Kind == storage.PasskeyCredential
		}) {
			return nil, ErrNoFactor
		}
	}
	ch, codes, err := s.newRecoveryCodes(a, c, kind)
	if err != nil {
		return nil, err
	}
	return codes, s.changeFactor(ctx, c, kind, ch)
}

// factorChanges are the texts of the mails about changes of the second factor, by kind of event.
var factorChanges = map[string]string{
	storage.EventFactorOn:       "factor.told_on",
	storage.EventFactorReplaced: "factor.told_app",
	storage.EventFactorCodes:    "factor.told_codes",
}

// newRecoveryCodes returns the change that gives the claimant recovery codes in place of those before, with the
// mail and the event of that kind that say what for.
func (s *Service) newRecoveryCodes(a Asker, c Claimant, kind string) (ch storage.Change, codes []string, err error) {
	now := time.Now()
	codes, left := factor.NewRecovery(c.User.ID)
	ch = storage.Change{
		RemoveCredentials: []storage.CredentialKey{{Kind: storage.RecoveryCredential}},
		Credentials: []storage.Credential{{Kind: storage.RecoveryCredential, Data: s.sealRecovery(c.User, left),
			CreatedAt: now, UpdatedAt: now}},
		Events: []storage.Event{a.Event(storage.Event{Kind: kind, UserID: c.User.ID})},
	}
	keepFormer(&ch, c.Creds, storage.RecoveryCredential)
	ch.Deliveries, err = s.ChangeNotice(a, c.User, factorChanges[kind])
	return ch, codes, err
}

// changeFactor makes a change of that kind. If it turns a second factor on, all sessions end but the one in
// which it was done: a stranger who got in with less is out.
func (s *Service) changeFactor(ctx context.Context, c Claimant, kind string, ch storage.Change) error {
	if err := s.Apply(ctx, c.User, ch); err != nil || kind != storage.EventFactorOn {
		return err
	}
	ended := storage.Change{EndSessions: &storage.SessionFilter{Except: c.Session.ID}}
	err := s.ApplyAnyVersion(ctx, c.User, ended)
	if errors.Is(err, storage.ErrStale) { // that session has ended meanwhile: none is left to keep
		ended.EndSessions = &storage.SessionFilter{}
		err = s.ApplyAnyVersion(ctx, c.User, ended)
	}
	return err
}

// SwitchOffFactor takes the authenticator app, the recovery codes and the remembered devices away, and
// tells the user by mail. Its refusals are ErrFactorRequired and ErrChangedMeanwhile.
func (s *Service) SwitchOffFactor(ctx context.Context, a Asker, o Owner) error {
	if a.requiresFactor() {
		return ErrFactorRequired
	}
	creds, err := s.Store.CredentialsOf(ctx, o.user.TenantID, o.user.ID)
	if err != nil {
		return err
	}
	ch := storage.Change{Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventFactorOff, UserID: o.user.ID})}}
	for _, kind := range []string{storage.TOTPCredential, storage.RecoveryCredential, storage.DeviceCredential} {
		ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: kind, ID: storage.AllIDs})
	}
	keepFormer(&ch, creds, storage.TOTPCredential, storage.RecoveryCredential)
	if ch.Deliveries, err = s.ChangeNotice(a, o.user, "factor.told_off"); err != nil {
		return err
	}
	return s.Apply(ctx, o.user, ch)
}

// ForgetDevice has one of the user's remembered devices asked for the second factor again; storage.AllIDs
// is all of them.
func (s *Service) ForgetDevice(ctx context.Context, a Asker, u storage.User, id string) error {
	return s.Apply(ctx, u, storage.Change{
		RemoveCredentials: []storage.CredentialKey{{Kind: storage.DeviceCredential, ID: id}},
		Events:            []storage.Event{a.Event(storage.Event{Kind: storage.EventFactorForgotten, UserID: u.ID})},
	})
}

// FactorUse says when a user last proved a sign-in by an authenticator app and by a recovery code; zero for never, as
// far as it is known.
type FactorUse struct {
	App, Recovery time.Time
	CodesLeft     int // recovery codes
}

// FactorUse returns how the user used what stands beside passkeys as a second factor. Nothing is stored for it: the
// app has the step of its last code, by which none works twice.
func (s *Service) FactorUse(ctx context.Context, u storage.User) (use FactorUse, err error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	for _, c := range creds {
		switch c.Kind {
		case storage.TOTPCredential:
			app, err := s.openTOTP(u, c)
			if err != nil { // sealed with a master secret that is gone
				continue
			}
			use.App = app.LastUsed()
		case storage.RecoveryCredential:
			if use.CodesLeft = s.recoveryLeft(ctx, c); c.UpdatedAt.After(c.CreatedAt) {
				use.Recovery = c.UpdatedAt
			}
		}
	}
	return use, err
}

// FactorWish is what is asked of a claimant besides the rule of the tenant.
type FactorWish struct {
	Rule string // the client's, as in storage.Client.SecondFactor
	ACR  string // that the client asks for; "" for none
	// Itself says that the second factor itself is wanted, whatever was proven before.
	Itself bool
	Letter string // of the client's request; "" for none
}

// Missing is what a claimant lacks.
type Missing struct {
	// ACR has to be reached; "" says that nothing is missing.
	ACR string
	// Which of the user's factors would reach it.
	TOTP     bool
	Recovery int // codes left
	Passkeys int
}

// None reports whether the claimant has nothing that would do.
func (m Missing) None() bool { return !m.TOTP && m.Recovery == 0 && m.Passkeys == 0 }

// MissingFactor returns what a claimant lacks by the rule of the tenant and the wish.
func (s *Service) MissingFactor(ctx context.Context, a Asker, c Claimant, wish FactorWish) Missing {
	has := storage.HasSecondFactor(c.Creds)
	rule := a.Tenant.Settings.SecondFactor.Require
	if rule == "" {
		rule = storage.SecondFactorEnrolled
	}
	want := wish.ACR
	rules := []string{rule, wish.Rule}
	if slices.Contains(rules, storage.SecondFactorAlways) || has && slices.Contains(rules, storage.SecondFactorEnrolled) {
		want = storage.StrongerACR(want, storage.ACRRemembered)
	}
	if has && wish.Itself {
		want = storage.StrongerACR(want, storage.ACRMultiFactor)
	}
	if storage.ReachesACR(c.ACR, want) {
		return Missing{}
	}
	return s.lacks(ctx, a, c, want)
}

// lacks returns by which of their factors the claimant can reach the ACR that is wanted.
func (s *Service) lacks(ctx context.Context, a Asker, c Claimant, want string) Missing {
	m := Missing{ACR: want}
	for _, cred := range c.Creds {
		switch cred.Kind {
		case storage.PasskeyCredential:
			// One that has opened this sign-in is no second proof of it.
			if !slices.Contains(c.AMR, "hwk") && !slices.Contains(c.AMR, "swk") {
				m.Passkeys++
			}
		case storage.TOTPCredential:
			m.TOTP = storage.ReachesACR(storage.ACRMultiFactor, want)
		case storage.RecoveryCredential:
			if storage.HasSecondFactor(c.Creds) && storage.ReachesACR(storage.ACRMultiFactor, want) {
				m.Recovery = s.recoveryLeft(ctx, cred)
			}
		}
	}
	if m.Passkeys > 0 {
		m.Passkeys = s.usablePasskeys(ctx, a, c.Creds)
	}
	return m
}

// usablePasskeys returns how many of a user's passkeys can be asked for as a second factor.
func (s *Service) usablePasskeys(ctx context.Context, a Asker, creds []storage.Credential) int {
	if _, err := s.party(a); err != nil {
		return 0
	}
	return len(slices.DeleteFunc(s.passkeysOf(ctx, creds), passkey.Passkey.Cloned))
}

// Claimant is a user who has proven themselves, perhaps in part: a sign-in that waits for a second
// factor, or a user who is signed in less strongly than a request wants.
type Claimant struct {
	User  storage.User
	Creds []storage.Credential
	Since time.Time // of the proof
	AMR   []string  // what the user has proven themselves by (RFC 8176)
	ACR   string    // what that comes to
	// Session is the one that the claimant is signed in with; without an ID there is none before
	// the second factor.
	Session storage.Session

	waits  string // the id of the sign-in of an app that waits
	letter string // of the client's request that the sign-in that waits is for
}

// IsSignedIn reports whether the claimant has a session.
func (c Claimant) IsSignedIn() bool { return c.Session.ID != "" }
