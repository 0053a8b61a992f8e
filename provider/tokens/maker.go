package tokens

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Maker makes tokens and codes, and opens those that it made. What differs between tenants and
// clients comes with each call.
type Maker struct {
	Secrets *secret.Masters
	Keys    *keys.Ring
	// AccessTokenAlgorithm is the algorithm that signs JWT access tokens.
	AccessTokenAlgorithm string
	// CodeLifetime is how long a code can be redeemed.
	CodeLifetime time.Duration
	// DefaultAccessTokenLifetime and DefaultIDTokenLifetime apply to clients that are registered
	// without a lifetime.
	DefaultAccessTokenLifetime, DefaultIDTokenLifetime time.Duration
	// Store has what rules about claims read.
	Store Store
	// Pairwise names users for pairwise clients.
	Pairwise *pairwise.Service
}

// Store is what rules about claims read.
type Store interface {
	IdentitiesOf(ctx context.Context, tenant, userID string) ([]storage.Identity, error)
	Belonging(ctx context.Context, tenant, userID string) (storage.Belonging, error)
	ClientRoles(ctx context.Context, tenant, clientID string) ([]storage.RoleName, error)
}

// ReadIdentities reads the user's accounts at upstream providers if a rule of the subject needs them.
func (m *Maker) ReadIdentities(ctx context.Context, s *claims.Subject, userID string) (err error) {
	if !s.Rules().NeedIdentities() {
		return nil
	}
	if s.Identities, err = m.Store.IdentitiesOf(ctx, s.Tenant.ID, userID); err != nil {
		return fmt.Errorf("identities for claims: %w", err)
	}
	return nil
}

// ReadClientRoles reads the roles of a client that is the subject itself, if a rule needs them. The rules are those of
// the client that gets the token, which is another one if the subject's token was exchanged.
func (m *Maker) ReadClientRoles(ctx context.Context, s *claims.Subject, id string) (err error) {
	if !s.Rules().NeedBelonging() {
		return nil
	}
	s.Belonging = &storage.Belonging{}
	if s.Belonging.Roles, err = m.Store.ClientRoles(ctx, s.Tenant.ID, id); err != nil {
		return fmt.Errorf("client's roles for claims: %w", err)
	}
	return nil
}

// NoteTooLarge adds the claims that were left out for their size to the request's log line.
func NoteTooLarge(ctx context.Context, s *claims.Subject) {
	if len(s.TooLarge) > 0 {
		web.Note(ctx, "claims_too_large", strings.Join(slices.Compact(slices.Sorted(slices.Values(s.TooLarge))), " "))
	}
}
