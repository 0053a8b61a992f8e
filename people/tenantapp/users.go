package tenantapp

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// User is a user as the app's server sees one. Times are in milliseconds.
type User struct {
	ID           string          `json:"id"`
	Login        string          `json:"login"`
	Email        string          `json:"email"`
	Tenant       string          `json:"tenant,omitempty"`
	Scope        json.RawMessage `json:"scope,omitempty"`
	Subject      string          `json:"sub"`
	RegisteredAt int64           `json:"registrationDate"`
	ActiveAt     int64           `json:"lastActivity"`
}

// NewUser is what the app's server says of a new user.
type NewUser struct {
	Email    address.Claimed
	Login    string
	Password string // or the bcrypt hash of one
	Subject  string
	Scope    json.RawMessage // nil for none
}

// bcryptHash matches what is taken for a hash of bcrypt, and not for a password.
var bcryptHash = regexp.MustCompile(`^\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

// ErrHash says that a hash of bcrypt cannot be used.
var ErrHash = errors.New("the hash cannot be used")

// AddUser adds a user. The app's server judges the password; a hash stays as it is until the user signs in. The address
// is not proven: another user who proves it to Vouchsafe gets the account (people.TakeBack). The login becomes the
// username, too, if it can be one. Its refusals are ErrUserExists and ErrHash.
func (s *Service) AddUser(ctx context.Context, a people.Asker, n NewUser) (User, error) {
	hash, err := s.hashOf(ctx, n.Password)
	if err != nil {
		return User{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return User{}, err
	}
	now := time.Now()
	u := storage.User{TenantID: a.Tenant.ID, ID: id.String(), CreatedAt: now, UpdatedAt: now}
	n.Email.Give(&u)
	if at, err := address.Read(n.Login); err == nil {
		if at.Key() != u.EmailKey { // signs in with this address, on pages
			if _, err := s.Store.UserByEmail(ctx, u.TenantID, at.Key()); !errors.Is(err, storage.ErrNotFound) {
				return User{}, orErr(err, ErrUserExists)
			}
		}
	} else if name, err := username.Claim(n.Login, a.Tenant.Settings.SignUp.ReservedUsernames); err == nil {
		if _, err := s.Store.UserBySkeleton(ctx, u.TenantID, name.Skeleton()); !errors.Is(err, storage.ErrNotFound) {
			return User{}, orErr(err, ErrUserExists)
		}
		name.Give(&u)
	}
	l := storage.AppLogin{
		TenantID: u.TenantID, UserID: u.ID, Login: n.Login, Subject: n.Subject, Scope: n.Scope, ActiveAt: now,
	}
	err = s.Store.Apply(ctx, storage.Change{
		TenantID: u.TenantID, UserID: u.ID, Now: now, Add: &u, AppLogin: &l,
		Credentials: []storage.Credential{{Kind: storage.PasswordCredential, Data: hash, CreatedAt: now, UpdatedAt: now}},
		Events:      []storage.Event{a.Event(storage.Event{Kind: storage.EventUserAdded, UserID: u.ID})},
	})
	if errors.Is(err, storage.ErrExists) {
		return User{}, ErrUserExists
	}
	return shown(u, l), err
}

// orErr returns the error, or instead if there is none.
func orErr(err, instead error) error {
	if err == nil {
		return instead
	}
	return err
}

// hashOf returns the hash of a password, or the hash that was given in its place.
func (s *Service) hashOf(ctx context.Context, given string) ([]byte, error) {
	if !bcryptHash.MatchString(given) {
		return s.Passwords.Hash(ctx, given)
	}
	hash, err := password.Import(given)
	if err != nil { // of a cost that is not accepted
		return nil, ErrHash
	}
	return hash, nil
}

// shown returns a user as the app's server sees one.
func shown(u storage.User, l storage.AppLogin) User {
	active := l.ActiveAt
	if active.Before(u.CreatedAt) {
		active = u.CreatedAt
	}
	return User{
		ID: u.ID, Login: loginOf(u, l), Email: u.Email, Tenant: u.TenantID, Scope: l.Scope, Subject: subjectOf(u, l),
		RegisteredAt: millis(u.CreatedAt), ActiveAt: millis(active),
	}
}

// loginOf returns the login of a user: that which the app gave, else the username, else the address.
func loginOf(u storage.User, l storage.AppLogin) string {
	switch {
	case l.Login != "":
		return l.Login
	case u.Username != "":
		return u.Username
	}
	return u.Email
}

// subjectOf returns what the app gave as its own id of the user. Users that it did not add have the id of Vouchsafe.
func subjectOf(u storage.User, l storage.AppLogin) string {
	if l.Subject != "" {
		return l.Subject
	}
	return u.ID
}

// find returns the user with the login: that which the app gave, else the username or the address of a user without
// such a login. storage.ErrNotFound: there is none.
func (s *Service) find(
	ctx context.Context, a people.Asker, login string,
) (u storage.User, l storage.AppLogin, err error) {
	tenant := a.Tenant.ID
	l, err = s.Users.AppLogin(ctx, tenant, login)
	if err == nil {
		u, err = s.Store.User(ctx, tenant, l.UserID)
		return u, l, err
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return u, l, err
	}
	if u, _, _, err = s.UserPassword(ctx, a, login); err != nil {
		return u, l, err
	}
	if u.ID == "" {
		return u, l, storage.ErrNotFound
	}
	of, err := s.Users.AppLoginsOf(ctx, tenant, []string{u.ID})
	return u, of[u.ID], err
}

// FindUser returns the user with the login; storage.ErrNotFound if there is none.
func (s *Service) FindUser(ctx context.Context, a people.Asker, login string) (User, error) {
	u, l, err := s.find(ctx, a, login)
	if err != nil {
		return User{}, err
	}
	return shown(u, l), nil
}

// ListUsers returns users of the tenant in the order of their ids: at most limit after the given one. next is the id
// of the last one, or "" at the end.
func (s *Service) ListUsers(
	ctx context.Context, a people.Asker, after string, limit int,
) (all []User, next string, err error) {
	users, err := s.Store.Users(ctx, a.Tenant.ID, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(users) > limit {
		users = users[:limit]
		next = users[limit-1].ID
	}
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	of, err := s.Users.AppLoginsOf(ctx, a.Tenant.ID, ids)
	if err != nil {
		return nil, "", err
	}
	all = []User{}
	for _, u := range users {
		all = append(all, shown(u, of[u.ID]))
	}
	return all, next, nil
}

// RemoveUser removes the user with the login. Its refusals are storage.ErrNotFound and delegated.ErrAdministrator.
func (s *Service) RemoveUser(ctx context.Context, a people.Asker, login string) error {
	u, _, err := s.find(ctx, a, login)
	if err != nil {
		return err
	}
	if u.AdminRole != "" {
		return delegated.ErrAdministrator
	}
	a.Judged = &u // no administrator meanwhile
	err = s.Accounts.Remove(ctx, a, u.ID)
	if errors.Is(err, storage.ErrStale) {
		err = delegated.ErrAdministrator
	}
	return err
}
