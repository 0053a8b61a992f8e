package delegated

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Details are what an app's server may know of an account besides the user.
type Details struct {
	Identities      []storage.Identity
	LastSignIn      time.Time // zero if none is known
	PasswordChanged time.Time // zero without a password
}

// Details returns the details of an account.
func (s *Service) Details(ctx context.Context, u storage.User) (d Details, err error) {
	if d.Identities, err = s.Identities(ctx, u); err != nil {
		return d, err
	}
	standings, err := s.Standings.Standings(ctx, u.TenantID, []string{u.ID})
	if err != nil {
		return d, err
	}
	d.LastSignIn = standings[u.ID].LastSignIn
	cred, err := s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if errors.Is(err, storage.ErrNotFound) {
		return d, nil
	}
	d.PasswordChanged = cred.UpdatedAt
	return d, err
}

// Rename gives the user another name. One that is an address takes the place of the username, too, so that the account
// still has one name. What is wrong is Faults.
func (s *Service) Rename(ctx context.Context, a people.Asker, u storage.User, name string) error {
	c, wrong := s.Names.claim(a, name)
	if len(wrong) > 0 {
		return Faults{{"username", Malformed}}
	}
	typed, none := strings.TrimSpace(name), ""
	var e administration.Edit
	if c.email.Key() != "" {
		e.Email, e.Username = &typed, &none
	} else {
		e.Username = &typed
	}
	_, _, err := s.Accounts.Edit(ctx, a, u.ID, e, false)
	if _, taken := errors.AsType[*importing.Fault](err); taken {
		if _, malformed := errors.AsType[importing.Faults](err); malformed {
			return Faults{{"username", Malformed}}
		}
		return Faults{{"username", Taken}}
	}
	return err
}

// Lock disables the account, and ends all sessions.
func (s *Service) Lock(ctx context.Context, a people.Asker, u storage.User) error {
	return s.Accounts.Disable(ctx, a, u.ID)
}

// Unlock enables the account.
func (s *Service) Unlock(ctx context.Context, a people.Asker, u storage.User) error {
	return s.Accounts.Enable(ctx, a, u.ID)
}

// Archive removes the user. The number stays, and says that there was one.
func (s *Service) Archive(ctx context.Context, a people.Asker, u storage.User) error {
	// An account that the app has not seen has no number that could stay.
	if _, err := s.Numbers.NumberOf(ctx, u.TenantID, u.ID, time.Now()); err != nil {
		return err
	}
	return s.Accounts.Remove(ctx, a, u.ID)
}

// Unlink takes what the user has at an upstream provider away. storage.ErrNotFound: there is nothing.
func (s *Service) Unlink(ctx context.Context, a people.Asker, u storage.User, provider string) error {
	ids, err := s.Identities(ctx, u)
	if err != nil {
		return err
	}
	found := false
	for _, i := range ids {
		if i.Provider != provider {
			continue
		}
		found = true
		if err := s.Accounts.Unlink(ctx, a, u.ID, provider, i.Subject); err != nil {
			return err
		}
	}
	if !found {
		return storage.ErrNotFound
	}
	return nil
}
