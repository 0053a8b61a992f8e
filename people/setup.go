package people

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ErrSetupGone says that the token of a set-up link creates no administrator, or not any more.
const ErrSetupGone = Refusal("problem.setup_gone")

// SetupLink is the link that creates the first administrator. Nothing is stored for it: only a holder of
// the master secret, who runs the server, can make its token.
type SetupLink struct{ Secrets *secret.Masters }

var setupMessage = []byte("the bearer may create the first administrator")

// box returns the key of the MAC in the link.
func (l SetupLink) box() *secret.Box {
	return l.Secrets.Box(storage.DefaultTenant, secret.FirstAdministrator)
}

// Token returns the link's token.
func (l SetupLink) Token() string {
	return base64.RawURLEncoding.EncodeToString(l.box().MAC(setupMessage))
}

// Opens returns what using the token spends; storage.ErrNotFound when it is not the link's. Whether
// it was spent before is not looked at.
func (l SetupLink) Opens(_ context.Context, tenant, token string) (storage.Spent, error) {
	mac, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || tenant != storage.DefaultTenant || !l.box().VerifyMAC(setupMessage, mac) {
		return storage.Spent{}, storage.ErrNotFound
	}
	return storage.FirstAdministrator(), nil
}

// CheckSetup returns ErrSetupGone unless the token of a link creates the tenant's first
// administrator. It spends nothing: mail scanners open links.
func (s *Service) CheckSetup(ctx context.Context, a Asker, token string) error {
	_, err := s.openSetup(ctx, a, token)
	return err
}

// openSetup returns what the use of the token spends. It returns ErrSetupGone for a token that is not the link's, and
// for a link that was used.
func (s *Service) openSetup(ctx context.Context, a Asker, token string) (storage.Spent, error) {
	once, err := s.SetupToken(ctx, a.Tenant.ID, typed.Token(token))
	if errors.Is(err, storage.ErrNotFound) {
		return once, ErrSetupGone
	}
	if err != nil {
		return once, err
	}
	spent, err := s.Store.IsSpent(ctx, a.Tenant.ID, once.Purpose, once.Value)
	if err == nil && spent {
		err = ErrSetupGone
	}
	return once, err
}

// SetUp creates the tenant's first administrator, and returns it. A holder of the link runs the server,
// and vouches for the address as a command does. Its refusal is ErrSetupGone.
func (s *Service) SetUp(ctx context.Context, a Asker, token, typedEmail, password string) (storage.User, error) {
	once, err := s.openSetup(ctx, a, token)
	if err != nil {
		return storage.User{}, err
	}
	typedEmail = strings.TrimSpace(typedEmail)
	email, err := ClaimAs("email", typedEmail, "setup.bad_email")
	var faults Faults
	errors.As(err, &faults)
	hash, err := s.HashOf(ctx, a, faults, password, typedEmail, email.Key())
	if err != nil {
		return storage.User{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return storage.User{}, err
	}
	now := time.Now()
	user := storage.User{
		TenantID: a.Tenant.ID, ID: id.String(), EmailVerified: true,
		Roles: []string{storage.RoleAdmin}, AdminRole: storage.RoleOwner, CreatedAt: now, UpdatedAt: now,
	}
	email.Give(&user)
	added := storage.Event{Kind: storage.EventUserAdded, UserID: user.ID, Actor: ActorSetup}
	err = s.Store.Apply(ctx, storage.Change{
		TenantID: user.TenantID, UserID: user.ID, Now: now, Spend: []storage.Spent{once}, Add: &user,
		Credentials: []storage.Credential{{Kind: storage.PasswordCredential, Data: hash, CreatedAt: now, UpdatedAt: now}},
		Events:      []storage.Event{a.Event(added)},
	})
	switch {
	case errors.Is(err, storage.ErrStale):
		err = ErrSetupGone
	case errors.Is(err, storage.ErrExists):
		err = Invalid("email", "setup.taken")
	}
	return user, err
}
