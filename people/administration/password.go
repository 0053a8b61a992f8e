package administration

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// NewPassword returns the hash of a password that an administrator has for the user, for Add and SetPassword.
// With allowWeak it accepts one that is only too easy to guess, and returns the reason as weak: scripts set
// passwords of accounts that tests use. Other passwords that the policy refuses are an error.
func (s *Accounts) NewPassword(
	ctx context.Context, u storage.User, secret string, allowWeak bool,
) (hash []byte, weak, err error) {
	weak = s.CheckPassword(ctx, secret, u.Email, u.Username, u.Profile)
	if weak != nil && (!allowWeak || errors.Is(weak, password.ErrTooShort) || errors.Is(weak, password.ErrTooLong)) {
		return nil, nil, weak
	}
	hash, err = s.Passwords.Hash(ctx, secret)
	return hash, weak, err
}

// CheckPassword returns why the policy refuses a password for a user with this address, name and profile, or nil.
func (s *Accounts) CheckPassword(ctx context.Context, secret, email, username string, p storage.Profile) error {
	return s.Policy.Check(ctx, secret, email, username, p.Name, p.GivenName, p.FamilyName)
}

// SetPassword gives the user a password by its hash, and ends all sessions and grants.
func (s *Accounts) SetPassword(ctx context.Context, a people.Asker, id string, hash []byte) error {
	now := time.Now()
	ch := storage.Change{Raise: true, Credentials: []storage.Credential{
		{Kind: storage.PasswordCredential, Data: hash, CreatedAt: now, UpdatedAt: now},
	}}
	if s.PasswordChanged != nil {
		u, err := s.Store.User(ctx, a.Tenant.ID, id)
		if err == nil {
			ch.Deliveries, err = s.PasswordChanged(ctx, u)
		}
		if err != nil {
			return err
		}
	}
	return s.apply(ctx, a, id, ch, storage.EventPasswordSet)
}
