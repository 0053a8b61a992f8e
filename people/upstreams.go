package people

import (
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Upstreams returns the providers that users of the tenant may come from.
func (s *Service) Upstreams(t *issuer.Tenant) []storage.Upstream {
	if len(t.Settings.Upstreams) == 0 && t.ID == storage.DefaultTenant {
		return s.StandIns
	}
	return t.Settings.Upstreams
}

// UpstreamName returns what users call the provider with the id, and whether the tenant has it.
func (s *Service) UpstreamName(t *issuer.Tenant, id string) (name string, offered bool) {
	for _, u := range s.Upstreams(t) {
		if u.ID == id {
			return upstream.NameOf(u), true
		}
	}
	return id, false
}
