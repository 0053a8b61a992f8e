package administration

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Store is what the use cases read and write.
type Store interface {
	storage.Users
	storage.Groups
	storage.Roles
	storage.Changes
	storage.Credentials
	storage.Standings
	storage.Identities
	storage.Sessions
	storage.Audit
	Grant(ctx context.Context, tenant, id string) (storage.Grant, error)
	GrantsOf(ctx context.Context, tenant, userID string, now time.Time) ([]storage.Grant, error)
}

// Accounts are the accounts that administrators look after.
type Accounts struct {
	Store Store
	// Policy judges passwords, and Passwords hashes them. Both are required to set one.
	Policy    *password.Policy
	Passwords *password.Hasher
	// PasswordChanged returns what to send when an administrator sets a password. Default: nothing.
	PasswordChanged func(ctx context.Context, u storage.User) ([]storage.Delivery, error)
	// Pairwise returns what finds users by the identifiers by which pairwise clients know them. Default: nothing does.
	Pairwise func(ctx context.Context) (*pairwise.Service, error)
}

// named returns the id of the user that has the name at a pairwise client, or the name.
func (s *Accounts) named(ctx context.Context, a people.Asker, name string) (string, error) {
	if s.Pairwise == nil || !pairwise.Looks(name) {
		return name, nil
	}
	p, err := s.Pairwise(ctx)
	if err != nil {
		return "", err
	}
	id, err := p.IDOf(ctx, a.Tenant.ID, name)
	if err != nil || id == "" {
		return name, err
	}
	_, err = s.Store.User(ctx, a.Tenant.ID, id)
	if errors.Is(err, storage.ErrNotFound) { // any text of that length would be the name of an id
		return name, nil
	}
	return id, err
}

// now returns the present moment as it is stored: to the microsecond.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Find returns the user of the asker's tenant with the id, e-mail address or user name, or with the name at a pairwise
// client.
func (s *Accounts) Find(ctx context.Context, a people.Asker, name string) (storage.User, error) {
	name, err := s.named(ctx, a, name)
	if err != nil {
		return storage.User{}, err
	}
	if _, err := uuid.Parse(name); err == nil {
		return s.Store.User(ctx, a.Tenant.ID, name)
	}
	if email, err := address.Read(name); err == nil {
		return s.Store.UserByEmail(ctx, a.Tenant.ID, email.Key())
	}
	key, ok := username.Key(name)
	if !ok {
		return storage.User{}, storage.ErrNotFound
	}
	return s.Store.UserByUsername(ctx, a.Tenant.ID, key)
}

// Disable locks the user out: all sessions end, and all grants. Nothing of it comes back when the account is
// enabled again, and the user cannot open it by mail.
func (s *Accounts) Disable(ctx context.Context, a people.Asker, id string) error {
	return s.setDisabled(ctx, a, id, true, storage.Change{
		EndSessions:  &storage.SessionFilter{},
		Revoke:       []storage.Revocation{{GrantFilter: storage.GrantFilter{UserID: id}, Why: "user disabled"}},
		RemoveAPIKey: &storage.APIKeyName{ID: storage.AllIDs}, ForgetDevices: true,
	}, storage.EventUserDisabled)
}

// Enable lets a disabled user in again.
func (s *Accounts) Enable(ctx context.Context, a people.Asker, id string) error {
	return s.setDisabled(ctx, a, id, false, storage.Change{}, storage.EventUserEnabled)
}

// judged returns the user. storage.ErrStale: the user has another role than the one that lets the asker change them.
func (s *Accounts) judged(ctx context.Context, a people.Asker, id string) (storage.User, error) {
	u, err := s.Store.User(ctx, a.Tenant.ID, id)
	if was := a.RoleWas(id); err == nil && was != nil && u.AdminRole != *was {
		err = storage.ErrStale
	}
	return u, err
}

// setDisabled disables or enables the user with the change. What was changed about the user meanwhile stays.
func (s *Accounts) setDisabled(
	ctx context.Context, a people.Asker, id string, disabled bool, ch storage.Change, kind string,
) error {
	for {
		u, err := s.judged(ctx, a, id)
		if err != nil {
			return err
		}
		ch.UpdateOf = u.UpdatedAt
		u.Disabled, u.SecuredAt, u.UpdatedAt = disabled, time.Time{}, time.Now()
		ch.Update = &u
		err = s.apply(ctx, a, id, ch, kind)
		if !errors.Is(err, storage.ErrStale) {
			return err
		}
	}
}

// Recover removes all second factors of a user who lost them. Passkeys go, too: a user who still has one signs
// in by it, and needs no help.
func (s *Accounts) Recover(ctx context.Context, a people.Asker, id string) error {
	var all []storage.CredentialKey
	for _, kind := range []string{
		storage.TOTPCredential, storage.RecoveryCredential, storage.PasskeyCredential, storage.DeviceCredential,
		storage.FormerTOTPCredential, storage.FormerRecoveryCredential,
	} {
		all = append(all, storage.CredentialKey{Kind: kind, ID: storage.AllIDs})
	}
	return s.apply(ctx, a, id, storage.Change{RemoveCredentials: all}, storage.EventFactorOff)
}

// Remove removes the user with all that belongs to the account. Servers finish what is left of a large one.
func (s *Accounts) Remove(ctx context.Context, a people.Asker, id string) error {
	return s.apply(ctx, a, id, storage.Change{Remove: true}, storage.EventUserRemoved)
}

// RemoveSeen is Remove for a user who was read. storage.ErrStale: the user is not any more what was read.
func (s *Accounts) RemoveSeen(ctx context.Context, a people.Asker, was storage.User) error {
	return s.apply(ctx, a, was.ID, storage.Change{Update: &was, UpdateOf: was.UpdatedAt, Remove: true},
		storage.EventUserRemoved)
}

// apply makes a change of the user, with an event of the kind.
func (s *Accounts) apply(ctx context.Context, a people.Asker, id string, ch storage.Change, kind string) error {
	return s.change(ctx, a, id, ch, storage.Event{Kind: kind})
}
