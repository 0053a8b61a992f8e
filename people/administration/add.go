package administration

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// NewUser is a user who passed the checks of Check. Only Check makes one.
type NewUser struct{ checked importing.Checked }

// User returns the user as Add stores it.
func (n NewUser) User() storage.User { return n.checked.User }

// As returns the user as an administrator of the role: see SetRole.
func (n NewUser) As(role string) NewUser {
	n.checked.User.AdminRole = role
	return n
}

// Check returns the user that an administrator enters, ready to be added. The rules of the sign-up
// page hold, but allowReserved also lets pass user names that the tenant reserves. All
// that breaks a rule is an error of type importing.Faults; what another user has is an *importing.Fault.
func (s *Accounts) Check(
	ctx context.Context, a people.Asker, entered importing.Row, allowReserved bool,
) (NewUser, error) {
	rules := importing.Rules{
		Tenant: a.Tenant.ID, Roles: true, Reserved: a.Tenant.Settings.SignUp.ReservedUsernames, Now: now(),
		Attributes: a.Tenant.Settings.Attributes, Complete: true,
	}
	if allowReserved {
		rules.Reserved = []string{}
	}
	checked, err := entered.CheckAll(rules)
	if err != nil {
		return NewUser{}, err
	}
	return NewUser{checked}, importing.CheckFree(ctx, s.Store, checked.User)
}

// Add adds the user, with a hash of NewPassword as password, or without a password if hash is nil. If
// another user has the address or the name, it returns an *importing.Fault; storage.ErrExists if the id or the
// external id is taken.
func (s *Accounts) Add(ctx context.Context, a people.Asker, n NewUser, hash []byte) (storage.User, error) {
	if hash != nil {
		n.checked.Hash = hash
	}
	u := n.checked.User
	events := []storage.Event{a.Event(storage.Event{Kind: storage.EventUserAdded, UserID: u.ID})}
	if u.AdminRole != "" {
		events = append(events, a.Event(storage.Event{Kind: storage.EventAdministratorSet, UserID: u.ID,
			Detail: map[string]string{"role": u.AdminRole}}))
	}
	err := n.checked.Store(ctx, s.Store, nil, events...)
	if errors.Is(err, storage.ErrExists) {
		err = s.taken(ctx, u, n.checked.Unique, err)
	}
	return u, err
}

// taken returns what of the user another one has: the address, the username or a unique value of an attribute; err if
// it is an id.
func (s *Accounts) taken(ctx context.Context, u storage.User, unique map[string]string, err error) error {
	if other, look := s.Store.UserByEmail(ctx, u.TenantID, u.EmailKey); look == nil && other.ID != u.ID {
		return importing.TakenAddress(u.Email)
	}
	if other, look := s.Store.UserBySkeleton(ctx, u.TenantID, u.UsernameSkeleton); look == nil && other.ID != u.ID {
		return importing.TakenUsername(u.Username)
	}
	if len(unique) > 0 {
		return taken(u, storage.Change{Unique: unique})
	}
	return err
}
