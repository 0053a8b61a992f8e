package token

import (
	"context"
	"log/slog"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Server serves the token endpoint. All exported fields but First are required.
type Server struct {
	// Engine authenticates clients and calls the handlers that are registered with it. Handlers
	// returns those of this endpoint.
	Engine *fosite.Fosite
	Store  Store
	Tokens *tokens.Maker
	Keys   *keys.Ring
	Limits *limit.Limiter
	// APIKeys reads API keys, which are exchanged for access tokens.
	APIKeys oauth.APIKeys
	Proofs  *dpop.Checker
	// Living looks at the tokens that a client exchanges, as introspection does: fosite.ErrInactiveToken, with the reason
	// inside, for one that does not work.
	Living func(ctx context.Context, value string) (*tokens.Living, error)
	// Workload returns when the token of a workload ends, if the client trusts it: invalid_grant otherwise.
	Workload func(ctx context.Context, t *issuer.Tenant, c *storage.Client, token string, now time.Time) (
		until time.Time, err error)
	Log *slog.Logger
	// First reports whether a refresh is the first activity of its user, who signed in at that time, on this day: then it
	// is recorded. nil: none is.
	First func(ctx context.Context, tenant, user string, signedIn, now time.Time) bool
	// Observe records an event that is part of no change.
	Observe func(ctx context.Context, e storage.Event)

	// RefreshTokenLifetime is how long a grant can be refreshed, unless its client says otherwise.
	RefreshTokenLifetime time.Duration
	// RefreshTokenIdleLifetime ends a refresh token that is not used, unless its client says otherwise.
	RefreshTokenIdleLifetime time.Duration
	// RefreshTokenGrace is how long after a rotation the predecessor yields the same successor.
	RefreshTokenGrace time.Duration

	codes     *codeGrant
	refreshes *refreshGrant
	handlers  []*handler
}

// Store is what grant types ask of storage.
type Store interface {
	codeStore
	deviceStore
	refreshStore
}

// New completes s, whose exported fields are set.
func New(s *Server) *Server {
	sign := signer{s.Tokens, s.Keys, s.Proofs}
	s.codes = &codeGrant{
		signer: sign, store: s.Store, limits: s.Limits, observe: s.Observe,
		lifetime: s.RefreshTokenLifetime, idleLifetime: s.RefreshTokenIdleLifetime,
		unprotected: &unprotectedClients{limits: s.Limits, log: s.Log, observe: s.Observe},
	}
	s.refreshes = &refreshGrant{
		signer: sign, store: s.Store, log: s.Log, first: s.First, observe: s.Observe,
		idleLifetime: s.RefreshTokenIdleLifetime, grace: s.RefreshTokenGrace,
	}
	s.handlers = []*handler{
		{"authorization_code", s.codes},
		{"client_credentials", &clientCredentialsGrant{s.Tokens, s.Proofs}},
		{"refresh_token", s.refreshes},
		{clients.DeviceGrant, &deviceGrant{s.codes, s.Store}},
		{clients.BearerGrant, &bearerGrant{&clientCredentialsGrant{s.Tokens, s.Proofs}, s.Workload}},
		{clients.ExchangeGrant, &exchangeGrant{sign, s.Living, s.Limits, s.Observe}},
	}
	return s
}

// Handlers returns a handler for each grant type, for registration with the Engine.
func (s *Server) Handlers() fosite.TokenEndpointHandlers {
	all := make(fosite.TokenEndpointHandlers, 0, len(s.handlers))
	for _, h := range s.handlers {
		all = append(all, h)
	}
	return all
}

// GrantTypes returns the grant types of the endpoint that clients declare.
func (s *Server) GrantTypes() []string {
	names := make([]string, 0, len(s.handlers))
	for _, h := range s.handlers {
		names = append(names, h.name)
	}
	return names
}
