package administration

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// NewUser is a user who passed the checks of Check. Only Check makes one.
type NewUser struct{ checked importing.Checked }

// User returns the user as Add stores it.
func (n NewUser) User() storage.User { return n.checked.User }

// Check returns the user that an administrator enters, ready to be added. The rules of the sign-up
// page hold, but allowReserved also lets pass user names that the tenant reserves. An entry that
// breaks a rule is an *importing.Fault.
func (s *Accounts) Check(
	ctx context.Context, a people.Asker, entered importing.Row, allowReserved bool,
) (NewUser, error) {
	rules := importing.Rules{
		Tenant: a.Tenant.ID, Roles: true, Reserved: a.Tenant.Settings.SignUp.ReservedUsernames, Now: time.Now(),
		Attributes: a.Tenant.Settings.Attributes, Complete: true,
	}
	if allowReserved {
		rules.Reserved = []string{}
	}
	checked, err := entered.Check(rules)
	if err != nil {
		return NewUser{}, err
	}
	return NewUser{checked}, importing.CheckFree(ctx, s.Store, checked.User)
}

// Add adds the user, with a hash of NewPassword as password, or without a password if hash is nil. If
// another user has the address or the name, it returns an *importing.Fault.
func (s *Accounts) Add(ctx context.Context, a people.Asker, n NewUser, hash []byte) (storage.User, error) {
	if hash != nil {
		n.checked.Hash = hash
	}
	u := n.checked.User
	err := n.checked.Store(ctx, s.Store, nil, a.Event(storage.Event{Kind: storage.EventUserAdded, UserID: u.ID}))
	if errors.Is(err, storage.ErrExists) {
		err = importing.Taken(u)
	}
	return u, err
}
