package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// upstreamName returns what users call the provider with the id, and whether the tenant has it.
func (s *Server) upstreamName(r *http.Request, id string) (name string, offered bool) {
	return s.UpstreamName(web.TenantOf(r.Context()), id)
}
