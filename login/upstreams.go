package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// upstreamsOf are the providers that people of the tenant may come from.
func (s *Server) upstreamsOf(t *web.Tenant) []storage.Upstream {
	if len(t.Settings.Upstreams) == 0 && t.ID == storage.DefaultTenant {
		return s.StandIns
	}
	return t.Settings.Upstreams
}

// upstream is the tenant's provider of that id; storage.ErrNotFound when it has none.
func (s *Server) upstream(t *web.Tenant, id string) (*upstream.Provider, error) {
	for _, u := range s.upstreamsOf(t) {
		if u.ID != id {
			continue
		}
		var clear []byte
		if len(u.ClientSecret) > 0 {
			var err error
			if clear, err = s.Secrets.Box(t.ID, secret.UpstreamSecret).Open(u.ClientSecret); err != nil {
				return nil, err
			}
		}
		return s.Upstreams.Provider(u, string(clear))
	}
	return nil, storage.ErrNotFound
}

// offeredUpstreams returns the providers that a page offers to sign in with, except the one with the
// id without.
func (s *Server) offeredUpstreams(t *web.Tenant, without string) []ui.Upstream {
	var out []ui.Upstream
	for _, u := range s.upstreamsOf(t) {
		if u.ID == without {
			continue
		}
		out = append(out, ui.Upstream{ID: u.ID, Name: upstream.NameOf(u), Preset: u.Preset})
	}
	return out
}

// upstreamName is what people call the provider of that id.
func (s *Server) upstreamName(r *http.Request, id string) (string, bool) {
	for _, u := range s.upstreamsOf(web.TenantOf(r.Context())) {
		if u.ID == id {
			return upstream.NameOf(u), true
		}
	}
	return id, false
}
