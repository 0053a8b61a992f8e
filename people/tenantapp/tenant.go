package tenantapp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// keyLength is the length of the key that signs the token of an app, in bytes.
const keyLength = 32

// Register adds a tenant, whose app signs in with the address and the password. It returns the tenant's id and the
// app's first token. The tenant is called by the domain of the address until an administrator renames it. Its refusal
// is ErrEmailTaken.
func (s *Service) Register(
	ctx context.Context, a people.Asker, email address.Claimed, password string,
) (id, token string, err error) {
	hash, err := s.Passwords.Hash(ctx, password)
	if err != nil {
		return "", "", err
	}
	fresh, err := uuid.NewV7()
	if err != nil {
		return "", "", err
	}
	id = fresh.String()
	now := time.Now()
	l := storage.TenantLogin{
		TenantID: id, Email: email.String(), EmailKey: email.Key(), Password: hash, CreatedAt: now,
	}
	err = s.Logins.AddTenantLogin(ctx, storage.Tenant{ID: id, Name: email.Domain(), CreatedAt: now}, l,
		within(a, id).Event(storage.Event{Kind: storage.EventTenantAdded}))
	if errors.Is(err, storage.ErrExists) {
		return "", "", ErrEmailTaken
	}
	if err != nil {
		return "", "", err
	}
	token, err = s.tenantToken(ctx, a, l)
	return id, token, err
}

// within returns the asker as one of the tenant's.
func within(a people.Asker, tenant string) people.Asker {
	a.Tenant = &issuer.Tenant{Tenant: storage.Tenant{ID: tenant}}
	return a
}

// SignInTenant signs the app of a tenant in, and returns its token. Its refusals are people.ErrWrongPassword, also if
// there is no such login, and *people.Limited.
func (s *Service) SignInTenant(ctx context.Context, a people.Asker, email, password string) (string, error) {
	at, err := address.Read(email)
	if err != nil {
		return "", people.ErrWrongPassword
	}
	pass, err := s.Admit(ctx, a,
		limit.By{Rule: guessesOfNetwork, Subject: at.Key() + "\x00" + limit.Network(a.IP)},
		limit.By{Rule: guessesAtLogin, Subject: at.Key()})
	if err != nil {
		return "", err
	}
	l, err := s.Logins.TenantLogin(ctx, at.Key())
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return "", err
	}
	// Of no login a hash is computed, too: the time that it takes does not tell the two cases apart.
	right, _, err := s.Passwords.Verify(ctx, l.Password, password)
	if err != nil {
		pass.GiveBack(ctx)
		return "", err
	}
	if right {
		if _, err = s.Tenant(ctx, l.TenantID); errors.Is(err, storage.ErrNotFound) {
			right = false
		} else if err != nil {
			return "", err
		}
	}
	if !right {
		if l.TenantID != "" {
			s.ObserveSome(ctx, within(a, l.TenantID), storage.Event{Kind: storage.EventAppRefused})
		}
		return "", people.ErrWrongPassword
	}
	pass.GiveBack(ctx)
	return s.tenantToken(ctx, a, l)
}

// tenantToken begins a session of the app, and returns its token.
func (s *Service) tenantToken(ctx context.Context, a people.Asker, l storage.TenantLogin) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	key := make([]byte, keyLength)
	rand.Read(key)
	n := storage.TenantSession{
		TenantID: l.TenantID, ID: id.String(), Data: s.Secrets.Box(l.TenantID, secret.AppSession).Seal(key),
		CreatedAt: time.Now(),
	}
	err = s.Logins.AddTenantSession(ctx, n, within(a, l.TenantID).Event(storage.Event{Kind: storage.EventAppSignedIn}))
	if errors.Is(err, storage.ErrNotFound) {
		err = people.ErrWrongPassword // removed at this moment
	}
	if err != nil {
		return "", err
	}
	return sign(key, TenantClaims{
		ID: l.TenantID, Login: tenantPrefix + l.Email, JTI: n.ID, IssuedAt: millis(n.CreatedAt), Audience: audience,
		IsTenant: true,
	})
}

// tenantPrefix begins the login of an app in its token.
const tenantPrefix = "tenant:"

// OpenTenant returns the tenant whose app has the token, and what the token says. Its refusal is ErrToken.
func (s *Service) OpenTenant(ctx context.Context, token string) (*issuer.Tenant, json.RawMessage, error) {
	c, err := s.openTenant(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	t, err := s.Tenant(ctx, c.ID)
	if errors.Is(err, storage.ErrNotFound) {
		err = ErrToken
	}
	if err != nil {
		return nil, nil, err
	}
	said, err := json.Marshal(c)
	return t, said, err
}

// openTenant returns what the token of an app says. Its refusal is ErrToken.
func (s *Service) openTenant(ctx context.Context, token string) (c TenantClaims, err error) {
	u, ok := read(token, &c)
	if !ok || !c.IsTenant || !isID(c.JTI) || len(c.ID) > maxTenantID || !visible(c.ID) {
		return c, ErrToken
	}
	n, l, err := s.Logins.TenantSession(ctx, c.ID, c.JTI)
	if errors.Is(err, storage.ErrNotFound) {
		return c, ErrToken
	}
	if err != nil {
		return c, err
	}
	key, err := s.Secrets.Box(n.TenantID, secret.AppSession).Open(n.Data)
	if err != nil || !u.by(key) {
		return c, ErrToken
	}
	c.Login = tenantPrefix + l.Email
	return c, nil
}

// maxTenantID is the length of the longest id of a tenant.
const maxTenantID = 63

// visible reports whether the text has only visible ASCII.
func visible(text string) bool {
	for _, b := range []byte(text) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return text != ""
}

// SignOutTenant ends the session of the token. Its refusals are ErrToken and, if another request has ended it at this
// moment, storage.ErrNotFound.
func (s *Service) SignOutTenant(ctx context.Context, a people.Asker, token string) error {
	c, err := s.openTenant(ctx, token)
	if err != nil {
		return err
	}
	return s.Logins.EndTenantSession(ctx, c.ID, c.JTI,
		within(a, c.ID).Event(storage.Event{Kind: storage.EventAppSignedOut}))
}
