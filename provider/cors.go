package provider

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/rs/cors"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// withCORS returns h with answers that scripts may read if a client of the tenant has registered their origin (Fetch
// Standard section 3.3). Other scripts read none. Browsers send no cookies with such requests, and h needs none.
// Scripts may send any header: tracing libraries add headers that no list foresees, and h ignores them. Scripts may use
// GET, HEAD, POST and the methods in more.
func (p *Provider) withCORS(h http.Handler, more ...string) http.Handler {
	return cors.New(cors.Options{
		AllowOriginVaryRequestFunc: func(r *http.Request, origin string) (bool, []string) {
			return p.allowsOrigin(r.Context(), origin), nil
		},
		AllowedMethods: append([]string{http.MethodGet, http.MethodHead, http.MethodPost}, more...),
		AllowedHeaders: []string{"*"}, // that is, those that the preflight names: a literal * would leave out Authorization
		ExposedHeaders: []string{"DPoP-Nonce", "ETag", "Link", "Retry-After", "WWW-Authenticate", "X-Request-Id"},
		// For this long after a client gave up its origin, scripts can still send requests. They read no answers.
		MaxAge: int(web.PreflightAge / time.Second),
	}).Handler(h)
}

// allowsOrigin reports whether a client of the tenant registered the origin. Documents without an
// origin (sandboxed frames, files) send null, which every page can cause.
func (p *Provider) allowsOrigin(ctx context.Context, origin string) bool {
	if origin == "null" || len(origin) > clients.MaxURI || !storage.WellFormed(origin) {
		return false
	}
	ok, err := p.origins.Get(ctx, originKey{web.TenantOf(ctx).ID, origin})
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		web.Note(ctx, "cors", err.Error()) // the request goes on, unread by scripts
	}
	return ok && err == nil
}

// loadOrigin asks storage whether a client of the tenant registered the origin. The answer is cached for a second.
func (p *Provider) loadOrigin(ctx context.Context, k originKey) (bool, error) {
	return p.Store.AllowsOrigin(ctx, k.tenant, k.origin)
}
