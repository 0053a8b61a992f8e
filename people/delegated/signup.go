package delegated

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// SignUp makes an account at once, and returns it: the app may prove the address afterwards, or never. Until the user
// has proven it to Vouchsafe, another one who does so takes the account over (people.TakeBack). What is wrong is
// Faults. Its refusals are people.ErrSignUpClosed and people.ErrUninvited.
func (s *Service) SignUp(ctx context.Context, a people.Asker, name, secret string) (storage.User, error) {
	if err := MaySignUp(a); err != nil {
		return storage.User{}, err
	}
	if err := s.AllowForm(ctx, a); err != nil {
		return storage.User{}, err
	}
	c, wrong, err := s.free(ctx, a, name)
	if err != nil {
		return storage.User{}, err
	}
	// What is wrong with the name keeps the password from being hashed, but not from being judged.
	var others people.Faults
	for range wrong {
		others = append(others, people.Fault{Field: "username"})
	}
	hash, err := s.HashOf(ctx, a, others, secret, name)
	if found, ok := errors.AsType[people.Faults](err); ok {
		return storage.User{}, append(wrong, passwordFaults(found, secret)...)
	} else if err != nil {
		return storage.User{}, err
	}
	return s.add(ctx, a, c, hash, false)
}

// MaySignUp reports whether users may register at the tenant: people.ErrSignUpClosed and people.ErrUninvited.
func MaySignUp(a people.Asker) error {
	switch a.Tenant.Settings.SignUp.Mode {
	case storage.SignUpClosed:
		return people.ErrSignUpClosed
	case storage.SignUpInvitation:
		return people.ErrUninvited
	}
	if !a.UsesPasswords() {
		return people.ErrSignUpClosed
	}
	return nil
}

// free reads the name of a new account. It may be Missing, Malformed or Taken.
func (s *Service) free(ctx context.Context, a people.Asker, name string) (claimed, Faults, error) {
	c, wrong := s.Names.claim(a, name)
	if len(wrong) > 0 {
		return c, wrong, nil
	}
	taken, err := s.isTaken(ctx, a.Tenant.ID, c)
	if taken {
		wrong = Faults{{"username", Taken}}
	}
	return c, wrong, err
}

// passwordFaults returns what is wrong with a new password, among faults of a form.
func passwordFaults(of people.Faults, secret string) Faults {
	for _, f := range of {
		switch {
		case f.Field != "password":
		case secret == "":
			return Faults{{"password", Missing}}
		default:
			return Faults{{"password", Insecure}}
		}
	}
	return nil
}

// add stores a new user.
func (s *Service) add(ctx context.Context, a people.Asker, c claimed, hash []byte, locked bool) (storage.User, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return storage.User{}, err
	}
	now := time.Now()
	u := storage.User{TenantID: a.Tenant.ID, ID: id.String(), Disabled: locked, CreatedAt: now, UpdatedAt: now}
	c.give(&u)
	err = s.Store.Apply(ctx, storage.Change{
		TenantID: u.TenantID, UserID: u.ID, Now: now, Add: &u,
		Credentials: []storage.Credential{{Kind: storage.PasswordCredential, Data: hash, CreatedAt: now, UpdatedAt: now}},
		Events:      []storage.Event{a.Event(storage.Event{Kind: storage.EventUserAdded, UserID: u.ID})},
	})
	if errors.Is(err, storage.ErrExists) {
		return u, Faults{{"username", Taken}}
	}
	if err == nil {
		u, err = s.Store.User(ctx, u.TenantID, u.ID)
	}
	return u, err
}

// bcryptHash matches what is taken for a hash of bcrypt, and not for a password.
var bcryptHash = regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

// Import adds an account that the app's server had before, with its password or the bcrypt hash of it, which stays as
// it is until the user signs in. The strength of the password is not judged. What is wrong is Faults.
func (s *Service) Import(ctx context.Context, a people.Asker, name, secret string, locked bool) (storage.User, error) {
	c, wrong, err := s.free(ctx, a, name)
	if err != nil {
		return storage.User{}, err
	}
	var hash []byte
	switch {
	case secret == "":
		wrong = append(wrong, Fault{"password", Missing})
	case len(secret) > password.MaxLength:
		wrong = append(wrong, Fault{"password", Malformed})
	case bcryptHash.MatchString(secret):
		if hash, err = password.Import(secret); err != nil { // of a cost that is not accepted
			wrong = append(wrong, Fault{"password", Malformed})
		}
	}
	if len(wrong) > 0 {
		return storage.User{}, wrong
	}
	if hash == nil {
		if hash, err = s.Passwords.Hash(ctx, secret); err != nil {
			return storage.User{}, err
		}
	}
	return s.add(ctx, a, c, hash, locked)
}
