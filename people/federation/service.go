package federation

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Calls asks the providers. Package internal/upstreams implements it, and says what the errors
// are.
type Calls interface {
	AuthURL(ctx context.Context, p *upstream.Provider, r upstream.Request) (string, error)
	Identify(ctx context.Context, p *upstream.Provider, r upstream.Request, a upstream.Answer) (upstream.Identity, error)
	Vouch(ctx context.Context, p *upstream.Provider, t upstream.Token) (upstream.Identity, error)
	Try(ctx context.Context, p *upstream.Provider, redirectURI string) []upstream.Step
}

// Service has the use cases. Fields without a default are required.
type Service struct {
	*people.Service
	Calls Calls
	// Callback returns the URL at which users come back from a provider. Default: that of the pages.
	Callback func(provider string) string
}

// New checks the Service.
func New(s Service) (*Service, error) {
	if s.Service == nil || s.Calls == nil {
		return nil, errors.New("federation: Service and Calls are required")
	}
	return &s, nil
}

// Why nothing was done. Lost and NotArrived are others.
const (
	// ErrProveEmail says that the user has to confirm an address by a mail first.
	ErrProveEmail = people.Refusal("federated.email_title")
	// ErrProveAccount says that an account has the address: the user has to sign in to it first.
	ErrProveAccount = people.Refusal("federated.account_title")
	// ErrAnotherUser says that a user was to confirm who they are, and chose an account at the provider that is
	// not linked to theirs.
	ErrAnotherUser = people.Refusal("federated.another")
	// ErrNotAdmitted says that the user has no account here and may not get one. Only a user who
	// has proven an identity or an address is told.
	ErrNotAdmitted = people.Refusal("federated.closed_title")
	// ErrTokenRefused says that the token is not the provider's, was made for another app, is too
	// old, or was used before.
	ErrTokenRefused = people.Refusal("federated.refused_token")
)

// Provider returns the provider with the id; storage.ErrNotFound when the tenant has none.
func (s *Service) Provider(a people.Asker, id string) (*upstream.Provider, error) {
	return s.provider(a, id, s.Upstreams(a.Tenant))
}

// provider is Provider among those that are given.
func (s *Service) provider(a people.Asker, id string, among []storage.Upstream) (*upstream.Provider, error) {
	for _, u := range among {
		if u.ID != id {
			continue
		}
		var clear []byte
		if len(u.ClientSecret) > 0 {
			var err error
			if clear, err = s.Secrets.Box(a.Tenant.ID, secret.UpstreamSecret).Open(u.ClientSecret); err != nil {
				return nil, err
			}
		}
		return upstream.New(u, string(clear))
	}
	return nil, storage.ErrNotFound
}
