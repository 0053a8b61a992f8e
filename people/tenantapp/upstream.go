package tenantapp

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Coming is what the app's server says of a user who comes from an upstream provider.
type Coming struct {
	Code        string
	RedirectURI string // the app's own, at which the code arrived
	Device      string
	OTP         string // a second factor, or ""
}

// SignInFrom redeems a code of the provider, and signs its user in: the owner of the account there, if it is linked,
// else a new user. An address alone is no proof that an account is the user's. Its refusals are upstream.ErrDenied,
// upstream.ErrRefused, upstream.ErrUnreachable, ErrNoEmail, ErrUserExists, and those of SignInUser.
func (s *Service) SignInFrom(
	ctx context.Context, a people.Asker, p *upstream.Provider, in Coming,
) (id upstream.Identity, token string, err error) {
	right, err := s.AllowTrip(ctx, a)
	if err != nil {
		return id, "", err
	}
	id, err = s.Calls.Identify(ctx, p, upstream.Request{RedirectURI: in.RedirectURI},
		upstream.Answer{Code: in.Code, Iss: p.Kind.AnswersAs})
	if err != nil {
		return id, "", err
	}
	u, err := s.linked(ctx, a, p, id)
	if errors.Is(err, storage.ErrNotFound) {
		if u, err = s.newcomer(ctx, a, p, id); errors.Is(err, storage.ErrExists) {
			if u, err = s.linked(ctx, a, p, id); errors.Is(err, storage.ErrNotFound) { // not by a request at this moment
				err = ErrUserExists
			}
		}
	}
	if err != nil {
		return id, "", err
	}
	right(u.ID)
	of, err := s.Users.AppLoginsOf(ctx, u.TenantID, []string{u.ID})
	if err != nil {
		return id, "", err
	}
	token, err = s.complete(ctx, a, u, of[u.ID], SigningIn{Device: in.Device, OTP: in.OTP}, "fed")
	return id, token, err
}

// linked returns the user whose account at the provider is linked. storage.ErrNotFound: none.
func (s *Service) linked(
	ctx context.Context, a people.Asker, p *upstream.Provider, id upstream.Identity,
) (storage.User, error) {
	known, err := s.Store.Identity(ctx, a.Tenant.ID, p.ID, id.Subject)
	if err != nil {
		return storage.User{}, err
	}
	u, err := s.Store.User(ctx, a.Tenant.ID, known.UserID)
	if err == nil && u.Disabled {
		err = delegated.ErrLocked
	}
	return u, err
}

// newcomer adds a user with the account at the provider. storage.ErrExists: another user has the address
// or the account.
func (s *Service) newcomer(
	ctx context.Context, a people.Asker, p *upstream.Provider, id upstream.Identity,
) (storage.User, error) {
	email, err := address.Claim(id.Email)
	if err != nil {
		return storage.User{}, ErrNoEmail
	}
	fresh, err := uuid.NewV7()
	if err != nil {
		return storage.User{}, err
	}
	now := time.Now()
	u := storage.User{
		TenantID: a.Tenant.ID, ID: fresh.String(), EmailVerified: id.EmailVerified, Profile: id.Profile, CreatedAt: now,
		UpdatedAt: now,
	}
	email.Give(&u)
	err = s.Store.Apply(ctx, storage.Change{
		TenantID: u.TenantID, UserID: u.ID, Now: now, Add: &u,
		Link: []storage.Identity{{
			TenantID: u.TenantID, Provider: p.ID, Subject: id.Subject, UserID: u.ID, Email: id.Email, CreatedAt: now,
		}},
		Events: []storage.Event{a.Event(storage.Event{
			Kind: storage.EventUserAdded, UserID: u.ID, Detail: map[string]string{"upstream": p.ID},
		})},
	})
	if err != nil {
		return u, err
	}
	return s.Store.User(ctx, u.TenantID, u.ID)
}
