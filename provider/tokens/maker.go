package tokens

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
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
	// Identities has the users' accounts at upstream providers, for rules about claims that read them.
	Identities Identities
}

// Identities has the users' accounts at upstream providers.
type Identities interface {
	IdentitiesOf(ctx context.Context, tenant, userID string) ([]storage.Identity, error)
}

// Subject returns what the claims of a client are made from, but for the user's record. userID is "" for a
// token that the client gets for itself. Storage is asked only if a rule of the tenant or the client needs it.
func (m *Maker) Subject(ctx context.Context, t *issuer.Tenant, c *storage.Client, userID string) (
	*claims.Subject, error,
) {
	s := &claims.Subject{Tenant: &t.Tenant, Client: c}
	if userID == "" || !s.Rules().NeedIdentities() {
		return s, nil
	}
	var err error
	if s.Identities, err = m.Identities.IdentitiesOf(ctx, t.ID, userID); err != nil {
		return nil, fmt.Errorf("identities for claims: %w", err)
	}
	return s, nil
}

// NoteTooLarge adds the claims that were left out for their size to the request's log line.
func NoteTooLarge(ctx context.Context, s *claims.Subject) {
	if len(s.TooLarge) > 0 {
		web.Note(ctx, "claims_too_large", strings.Join(slices.Compact(slices.Sorted(slices.Values(s.TooLarge))), " "))
	}
}
