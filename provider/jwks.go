package provider

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// serveJWKS serves the tenant's public keys as a JWK set (RFC 7517 section 5): those that sign, those that will sign,
// and those that have signed tokens that may still be valid.
func (p *Provider) serveJWKS(w http.ResponseWriter, r *http.Request) error {
	tenant := web.TenantOf(r.Context()).ID
	set, err := p.Keys.Complete(r.Context(), tenant)
	if err != nil {
		// APIs need the keys for tokens that they were given before.
		if set = p.Keys.LastRead(tenant); set == nil {
			return err
		}
	}
	// A client that cached the set knows every key before it signs.
	age := min(publishedAge, p.Keys.Lead())
	return p.keyDocuments.serve(w, r, age, set, func() ([]byte, error) { return json.Marshal(set.Public(time.Now())) })
}
