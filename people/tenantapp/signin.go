package tenantapp

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/storage"
)

// SigningIn is what the app's server says of a user who signs in.
type SigningIn struct {
	Login, Password string
	Device          string // the app's name of the device; it is in the token
	OTP             string // a second factor, or ""
}

// SignInUser signs a user in, and returns the token. Its refusals are storage.ErrNotFound for an unknown login,
// people.ErrWrongPassword, *people.Limited, delegated.ErrLocked, people.ErrNewPassword, delegated.ErrFactorMissing and
// delegated.ErrFactorWrong.
func (s *Service) SignInUser(ctx context.Context, a people.Asker, in SigningIn) (string, error) {
	found, l, err := s.find(ctx, a, in.Login)
	if err != nil {
		return "", err
	}
	name := found.Email
	if name == "" {
		name = found.Username
	}
	u, err := s.ProvePassword(ctx, a, name, in.Password)
	switch {
	case errors.Is(err, people.ErrAccountSecured), errors.Is(err, people.ErrAccountDisabled):
		return "", delegated.ErrLocked
	case err != nil:
		return "", err
	case u.ID != found.ID: // the name has gone to another user at this moment
		return "", people.ErrWrongPassword
	}
	return s.complete(ctx, a, u, l, in, "pwd")
}

// complete signs in a user who has proven to be the user by amr, and returns the token.
func (s *Service) complete(
	ctx context.Context, a people.Asker, u storage.User, l storage.AppLogin, in SigningIn, amr ...string,
) (string, error) {
	done, err := s.Complete(ctx, a, u, time.Now(), in.OTP, amr...)
	if err != nil {
		return "", err
	}
	sess := done.Session
	if err := s.Users.AppUserActive(ctx, u.TenantID, u.ID, sess.CreatedAt, sess.CreatedAt.Add(-activeEvery)); err != nil {
		return "", err
	}
	return sign(s.userKeys(sess)[0], UserClaims{
		ID: u.ID, Login: u.TenantID + ":" + loginOf(u, l), Scope: l.Scope, Device: in.Device, JTI: sess.ID,
		IssuedAt: millis(sess.CreatedAt), ExpiresAt: millis(sess.ExpiresAt), Subject: subjectOf(u, l), Audience: audience,
	})
}

// activeEvery is how often it is stored that a user is active, at most.
const activeEvery = time.Second

// openUser returns what the token of a user of the tenant says, and whether the session lives. Its refusal is ErrToken.
func (s *Service) openUser(ctx context.Context, a people.Asker, token string) (c UserClaims, err error) {
	unverified, ok := read(token, &c)
	if !ok || !isID(c.JTI) {
		return c, ErrToken
	}
	now := time.Now()
	sess, u, err := s.Keeper.Store.Session(ctx, a.Tenant.ID, c.JTI, now)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return c, ErrToken
	case err != nil:
		return c, err
	case !unverified.by(s.userKeys(sess)...), u.ID != c.ID, c.ExpiresAt <= millis(now):
		return c, ErrToken
	}
	return c, nil
}

// OpenUser returns what the token of a user of the tenant says, and stores that the user is active. Its refusal is
// ErrToken.
func (s *Service) OpenUser(ctx context.Context, a people.Asker, token string) (json.RawMessage, error) {
	c, err := s.openUser(ctx, a, token)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := s.Users.AppUserActive(ctx, a.Tenant.ID, c.ID, now, now.Add(-activeEvery)); err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

// SignOutUser ends the session of the token. Its refusals are ErrToken and, if another request has ended it at this
// moment, storage.ErrNotFound.
func (s *Service) SignOutUser(ctx context.Context, a people.Asker, token string) error {
	c, err := s.openUser(ctx, a, token)
	if err != nil {
		return err
	}
	ended := 0
	err = s.Store.Apply(ctx, storage.Change{
		TenantID: a.Tenant.ID, UserID: c.ID, Now: time.Now(), EndSessions: &storage.SessionFilter{IDs: []string{c.JTI}},
		Events: []storage.Event{a.Event(storage.Event{
			Kind: storage.EventSessionEnded, UserID: c.ID, Detail: map[string]string{"session": c.JTI},
		})},
		OnEnd: func(e storage.Ended) ([]storage.Delivery, []storage.Event) {
			ended = len(e.Sessions)
			return nil, nil
		},
	})
	if err == nil && ended == 0 {
		err = storage.ErrNotFound
	}
	return err
}
