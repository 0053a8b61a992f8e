package federation

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Try tries all of a provider that can be tried without a user, and signs no user in. storage.ErrNotFound: the tenant
// has no such provider.
func (s *Service) Try(ctx context.Context, a people.Asker, id string) ([]upstream.Step, error) {
	p, err := s.provider(a, id, a.Tenant.Settings.Upstreams) // also one that is disabled
	if errors.Is(err, storage.ErrNotFound) {
		p, err = s.Provider(a, id)
	}
	if err != nil {
		return nil, err
	}
	return s.Calls.Try(ctx, p, s.callback(a, id)), nil
}

// callback returns the redirect URI of a provider.
func (s *Service) callback(a people.Asker, id string) string {
	if s.Callback != nil {
		return s.Callback(id)
	}
	return a.Tenant.URL("/upstream/" + id + "/callback")
}
