package people

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// defaultHistory is how many former passwords are refused when the tenant does not say.
const defaultHistory = 3

// fit refuses, at the given field, a new password that is not good enough. about are names and
// addresses of the user.
func (s *Service) fit(ctx context.Context, a Asker, field, secret string, about ...string) error {
	if secret == "" {
		return Invalid(field, "password.missing")
	}
	about = append(slices.Clone(about), productName, a.Tenant.Name)
	switch err := s.Policy.Check(ctx, secret, about...); {
	case err == nil:
		return nil
	case errors.Is(err, password.ErrTooShort):
		return Invalid(field, "setup.short", s.Policy.Shortest())
	case errors.Is(err, password.ErrTooLong):
		return Invalid(field, "setup.long", password.MaxLength)
	case errors.Is(err, password.ErrIsName):
		return Invalid(field, "setup.name")
	case errors.Is(err, password.ErrCommon):
		return Invalid(field, "setup.common")
	case errors.Is(err, password.ErrBreached):
		return Invalid(field, "setup.breached")
	}
	return Invalid(field, "setup.weak")
}

// HashOf returns the hash of a new password, unless it or what else was entered is wrong.
func (s *Service) HashOf(ctx context.Context, a Asker, faults Faults, secret string, about ...string) ([]byte, error) {
	if err := s.fit(ctx, a, "password", secret, about...); err != nil {
		var unfit Faults
		if !errors.As(err, &unfit) {
			return nil, err
		}
		faults = append(faults, unfit...)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return s.Passwords.Hash(ctx, secret)
}

// namesOf returns what a user's password must not be.
func namesOf(u storage.User) []string {
	p := u.Profile
	return []string{u.Email, u.EmailKey, u.Username, p.Name, p.GivenName, p.FamilyName, p.Nickname}
}

// PasswordChange returns the change that gives a user a new password, or what is wrong with
// it, at the given field. It ends their sessions and grants, and tells them by mail; the
// caller adds what proves that they may, and the event, and applies it.
func (s *Service) PasswordChange(ctx context.Context, a Asker, u storage.User, field,
	secret string,
) (storage.Change, error) {

	if err := s.fit(ctx, a, field, secret, namesOf(u)...); err != nil {
		return storage.Change{}, err
	}
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return storage.Change{}, err
	}
	keep := defaultHistory
	if h := a.Tenant.Settings.Passwords.History; h != nil {
		keep = *h
	}
	current, former := passwordsOf(creds)
	if len(former) > keep {
		former = former[:keep]
	}
	if reused, err := s.isOneOf(ctx, secret, append(slices.Clone(current), former...)); err != nil {
		return storage.Change{}, err
	} else if reused && (keep > 0 || expired(creds)) {
		return storage.Change{}, Invalid(field, "password.reused")
	}
	ch, err := s.settingPassword(ctx, a, u, secret)
	if err != nil {
		return ch, err
	}
	ch.RemoveCredentials = []storage.CredentialKey{{Kind: storage.OldPasswordCredential, ID: storage.AllIDs}}
	for _, old := range append(current, former...)[:min(keep, len(current)+len(former))] {
		if old.Kind == storage.PasswordCredential {
			id, err := uuid.NewV7()
			if err != nil {
				return ch, err
			}
			old.Kind, old.ID, old.UpdatedAt, old.ExpiresAt = storage.OldPasswordCredential, id.String(), ch.Now, time.Time{}
		}
		ch.Credentials = append(ch.Credentials, old)
	}
	return ch, nil
}

// settingPassword is PasswordChange without a look at the password and those before it.
func (s *Service) settingPassword(ctx context.Context, a Asker, u storage.User, secret string) (storage.Change, error) {
	hash, err := s.Passwords.Hash(ctx, secret)
	if err != nil {
		return storage.Change{}, err
	}
	now := time.Now()
	ch := storage.Change{
		TenantID: u.TenantID, UserID: u.ID, Now: now, Version: &u.CredentialVersion, Raise: true,
		Credentials: []storage.Credential{{Kind: storage.PasswordCredential, Data: hash, CreatedAt: now, UpdatedAt: now}},
	}
	if ch.Deliveries, err = s.Notice(a, u, "password-changed", map[string]string{}); err != nil {
		return ch, err
	}
	if s.PasswordChanged != nil {
		told, err := s.PasswordChanged(ctx, u)
		ch.Deliveries = append(ch.Deliveries, told...)
		return ch, err
	}
	return ch, nil
}

// passwordsOf returns the current password of a user, if they have one, and the former ones
// that are kept, newest first.
func passwordsOf(creds []storage.Credential) (current, former []storage.Credential) {
	for _, c := range creds {
		switch c.Kind {
		case storage.PasswordCredential:
			current = append(current, c)
		case storage.OldPasswordCredential:
			former = append(former, c)
		}
	}
	slices.SortFunc(former, func(a, b storage.Credential) int { return strings.Compare(b.ID, a.ID) }) // UUIDv7
	return current, former
}

// isOneOf reports whether the password is one of those.
func (s *Service) isOneOf(ctx context.Context, secret string, creds []storage.Credential) (bool, error) {
	for _, c := range creds {
		ok, _, err := s.Passwords.Verify(ctx, c.Data, secret)
		if ok || err != nil && !errors.Is(err, argon2id.ErrMalformed) {
			return ok, err
		}
	}
	return false, nil
}

// HasPassword reports whether the user has a password.
func (s *Service) HasPassword(ctx context.Context, u storage.User) (bool, error) {
	_, err := s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// NewPassword is what a user enters to change the password.
type NewPassword struct {
	Old string // not used if the user has no password
	New string
	// Session is the id of the session in which the user asks; "" for an app.
	Session string
	// Owner is required if the user has no password.
	Owner Owner
}

// ChangePassword gives the user a new password, and returns the user as the change leaves it. All
// sessions and grants end; the door may open a session again. The user proves the old password or,
// if there is none, to be the Owner. Its refusals are ErrSignInFirst and ErrChangedMeanwhile.
func (s *Service) ChangePassword(ctx context.Context, a Asker, u storage.User, in NewPassword) (storage.User, error) {
	cred, err := s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return u, err
	}
	switch {
	case err == nil:
		err = s.proveOld(ctx, a, u, cred, in)
	case in.Owner.user.ID == u.ID:
		err = nil
	default:
		err = ErrSignInFirst
	}
	if err != nil {
		return u, err
	}
	ch, err := s.PasswordChange(ctx, a, u, "password", in.New)
	if err != nil {
		return u, err
	}
	ch.Events = append(ch.Events, a.Event(storage.Event{Kind: storage.EventPasswordChanged, UserID: u.ID}))
	if err := s.Apply(ctx, u, ch); err != nil {
		return u, err
	}
	u.CredentialVersion++ // not as stored: another change that was made meanwhile must not be undone
	return u, nil
}

// proveOld checks the user's password, and counts the guesses of an attacker who found the user's
// browser signed in.
func (s *Service) proveOld(ctx context.Context, a Asker, u storage.User,
	cred storage.Credential, in NewPassword,
) error {
	if in.Old == "" || len(in.Old) > password.MaxLength {
		return Invalid("old_password", "newpassword.missing")
	}
	guess, err := s.allowOwner(ctx, a, u, in.Session)
	if err != nil {
		return err
	}
	ok, _, err := s.passwordsFor(guess).Verify(ctx, cred.Data, in.Old)
	if err != nil && !errors.Is(err, argon2id.ErrMalformed) {
		guess.unseen(ctx)
		return err
	}
	if !ok {
		s.Observe(ctx, a, storage.Event{Kind: storage.EventPasswordRefused, UserID: u.ID})
		return Invalid("old_password", "newpassword.wrong")
	}
	guess.right(ctx)
	return nil
}

// SignsOutEverywhere reports whether a new password ends the session in which the user changed it, too:
// the tenant wants so.
func (a Asker) SignsOutEverywhere() bool {
	return a.Tenant.Settings.Passwords.SignOut == storage.SignOutAll
}

// passwordsFor hashes for a guess: in the queue of known browsers if it comes from one.
func (s *Service) passwordsFor(g guess) *password.Hasher {
	if g.known {
		return s.Passwords.ReservedFor(g.person)
	}
	return s.Passwords
}

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
	if err := s.AllowForm(ctx, a); err != nil {
		return storage.Session{}, a.Kept, err
	}
	ch, err := s.PasswordChange(ctx, a, c.User, field, secret)
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
