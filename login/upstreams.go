package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// upstream is the tenant's provider of that id; storage.ErrNotFound when it has none.
func (s *Server) upstream(t *issuer.Tenant, id string) (*upstream.Provider, error) {
	for _, u := range s.Service.Upstreams(t) {
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
		return upstream.New(u, string(clear))
	}
	return nil, storage.ErrNotFound
}

// upstreamName returns what users call the provider with that id, and whether the tenant has it.
func (s *Server) upstreamName(r *http.Request, id string) (string, bool) {
	return s.UpstreamName(web.TenantOf(r.Context()), id)
}
