package people

import (
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// UpstreamsOf returns the upstream providers with which users of the tenant may sign in.
func (s *Service) UpstreamsOf(t *web.Tenant) []storage.Upstream {
	if len(t.Settings.Upstreams) == 0 && t.ID == storage.DefaultTenant {
		return s.StandIns
	}
	return t.Settings.Upstreams
}

// UpstreamName returns what users call the tenant's upstream provider with that id, and whether the
// tenant has it. If not, it returns the id.
func (s *Service) UpstreamName(t *web.Tenant, id string) (name string, ok bool) {
	for _, u := range s.UpstreamsOf(t) {
		if u.ID == id {
			return upstream.NameOf(u), true
		}
	}
	return id, false
}
