package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/hostname"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/storage"
)

type tenantKey struct{}

// TenantOf returns the request's tenant. It panics outside of Tenancy, where there is none.
func TenantOf(ctx context.Context) *issuer.Tenant {
	t := FindTenant(ctx)
	if t == nil {
		panic("web: a request outside of Tenancy has no tenant")
	}
	return t
}

// FindTenant returns the request's tenant, or nil outside of Tenancy: for the error page,
// which also tells that there is none.
func FindTenant(ctx context.Context) *issuer.Tenant {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok && r.tenant != nil {
		return r.tenant
	}
	t, _ := ctx.Value(tenantKey{}).(*issuer.Tenant)
	return t
}

// WithTenant is ctx with the tenant: for tests and for fosite's callbacks.
func WithTenant(ctx context.Context, t *issuer.Tenant) context.Context {
	return context.WithValue(ctx, tenantKey{}, t)
}

// Tenancy is the middleware that finds the tenant of a request and takes the tenant's prefix off
// the path.
type Tenancy struct {
	issuer *url.URL
	errors ErrorPage
	byID   cache.Cache[string, *issuer.Tenant]
	byHost cache.Cache[string, *issuer.Tenant]
	// Certificates is the URL at which clients present certificates, if that is another than the issuer; nil for none.
	// There, each tenant but the default one is at /t/ID.
	Certificates *url.URL
	// ForPrograms reports whether a path below an issuer is for programs: the others are not served at Certificates.
	ForPrograms func(path string) bool
}

// NewTenancy returns a Tenancy that serves the default tenant at root, which is an absolute URL
// without path, and the other tenants at /t/ID below it or at hosts of their own. It returns an
// error if root is not such a URL.
func NewTenancy(root string, tenants storage.Tenants, errs ErrorPage) (*Tenancy, error) {
	u, err := url.Parse(root)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.Path != "" || u.RawQuery != "" ||
		u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("issuer %q: want https://HOST or, for development, http://localhost:PORT, without path",
			root)
	}
	if host, err := hostname.Canonical(u.Scheme, u.Host); err != nil || host != u.Host {
		return nil, fmt.Errorf("issuer %q: its host is not written as browsers write it", root)
	}
	t := &Tenancy{issuer: u, errors: errs}
	by := func(load func(context.Context, string) (storage.Tenant, error)) cache.Cache[string, *issuer.Tenant] {
		away := func(err error) bool { return !errors.Is(err, storage.ErrNotFound) }
		return cache.Cache[string, *issuer.Tenant]{Name: func(s string) string { return s }, Keeps: away,
			Load: func(ctx context.Context, key string) (*issuer.Tenant, error) {
				rec, err := load(ctx, key)
				if err != nil {
					return nil, err
				}
				return issuer.Of(t.issuer, rec), nil
			}}
	}
	t.byID, t.byHost = by(tenants.Tenant), by(tenants.TenantByHost)
	return t, nil
}

// Tenant returns the tenant with that id. It returns storage.ErrNotFound if the tenant is unknown
// or disabled.
func (t *Tenancy) Tenant(ctx context.Context, id string) (*issuer.Tenant, error) {
	return enabled(t.byID.Get(ctx, id))
}

// enabled returns storage.ErrNotFound in the place of a tenant that is disabled.
func enabled(t *issuer.Tenant, err error) (*issuer.Tenant, error) {
	if err == nil && t.Disabled {
		return nil, storage.ErrNotFound
	}
	return t, err
}

// Wrap returns a handler that finds the tenant, and passes the request to next with the rest of its
// path. It answers 421 for an unknown host, because nothing that Vouchsafe says may depend on a
// header that the sender made up, and 404 for an unknown tenant.
func (t *Tenancy) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, path, err := t.find(r)
		raw, ok := rawBelow(r.URL, path)
		if err == nil && !ok {
			err = unknownTenant(storage.ErrNotFound)
		}
		if err != nil {
			// The answer is the same for every reader. The developer of an SPA with a wrong address
			// can read this error, and does not see a CORS failure in its place.
			w.Header().Set("Access-Control-Allow-Origin", "*")
			Fail(t.errors, w, r, err)
			return
		}
		if req, ok := r.Context().Value(requestKey{}).(*Request); ok {
			req.tenant = tenant
		} else {
			r = r.WithContext(WithTenant(r.Context(), tenant))
		}
		if path != r.URL.Path {
			r2, u := *r, *r.URL
			u.Path, u.RawPath = path, raw
			r2.URL = &u
			r = &r2
		}
		next.ServeHTTP(w, r)
	})
}

// As passes the request to h as one of the tenant with that id, wherever it came, with its path as it is. A tenant that
// is unknown or disabled answers 404.
func (t *Tenancy) As(w http.ResponseWriter, r *http.Request, id string, h http.Handler) {
	tenant, err := t.Tenant(r.Context(), id)
	if err != nil {
		Fail(t.errors, w, r, unknownTenant(err))
		return
	}
	if req, ok := r.Context().Value(requestKey{}).(*Request); ok {
		req.tenant = tenant
	} else {
		r = r.WithContext(WithTenant(r.Context(), tenant))
	}
	h.ServeHTTP(w, r)
}

// escapable is the path below which ids are parts of paths, which may have to be escaped.
const escapable = "/api/v1/"

// rawBelow returns what is written in the URL of the path below an issuer; "" if it has no escapes. ok is false if
// it may have none. No other path of Vouchsafe's needs escapes. A path with escapes could pass the rules of a proxy
// that compares the written form, and still reach a route that the rules protect.
func rawBelow(u *url.URL, path string) (raw string, ok bool) {
	if u.RawPath == "" {
		return "", true
	}
	before, is := strings.CutSuffix(u.Path, path)
	raw, written := strings.CutPrefix(u.RawPath, before)
	return raw, is && written && strings.HasPrefix(raw, escapable)
}

// metadataPaths are the paths that clients put before the path of an issuer (RFC 8414 section 3.1),
// as well as after it (OpenID Connect Discovery section 4.1).
var metadataPaths = []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}

// find returns the request's tenant and the path below its issuer. Its errors are Problems, or
// those of storage.
func (t *Tenancy) find(r *http.Request) (*issuer.Tenant, string, error) {
	certificates := t.Certificates != nil && hostname.Same(r.Host, t.Certificates)
	if !certificates && !hostname.Same(r.Host, t.issuer) {
		tenant, err := orLast(r.Context(), &t.byHost, hostname.Bare(r.Host, t.issuer.Scheme), r.URL.Path)
		if errors.Is(err, storage.ErrNotFound) {
			return nil, "", &Problem{Status: http.StatusMisdirectedRequest,
				Message: "problem.host",
				Developer: "The request's Host isn't the issuer's. Use the issuer's URL, or set VOUCHSAFE_ISSUER to the " +
					"URL that browsers use.",
				Got: r.Host, Expected: []string{t.issuer.Host}}
		}
		if err != nil {
			return nil, "", err
		}
		if tenant.Disabled {
			return nil, "", unknownTenant(storage.ErrNotFound)
		}
		return tenant, r.URL.Path, nil
	}
	path := r.URL.Path
	if strings.HasPrefix(path, "/.well-known/") {
		path = behindTenant(path)
	}
	id, path, named := cutTenant(path)
	switch {
	case !named:
		id = storage.DefaultTenant
	case id == storage.DefaultTenant:
		return nil, "", unknownTenant(storage.ErrNotFound) // the default tenant has one URL only: the root
	}
	tenant, err := enabled(orLast(r.Context(), &t.byID, id, path))
	if err != nil {
		return nil, "", unknownTenant(err)
	}
	switch {
	case certificates && !t.ForPrograms(path):
		return nil, "", &Problem{Status: http.StatusMisdirectedRequest, Message: "problem.host",
			Developer: "This is where clients present certificates (mtls_url). Browsers use the issuer's URL.",
			Got:       r.Host, Expected: []string{t.issuer.Host}}
	case tenant.Host != "" && !certificates:
		return nil, "", unknownTenant(storage.ErrNotFound) // a tenant with a host has one URL only: its host
	}
	return tenant, path, nil
}

// cutTenant returns the id of the tenant that a path begins with, and the path below it. named is false for a path that
// begins with no tenant.
func cutTenant(path string) (id, below string, named bool) {
	after, named := strings.CutPrefix(path, "/t/")
	if !named {
		return "", path, false
	}
	id, below, _ = strings.Cut(after, "/")
	return id, "/" + below, true
}

// PathBelowTenant returns the path of a request without the tenant with which it may still begin: an error page is
// shown before the tenant is known, too.
func PathBelowTenant(r *http.Request) string {
	_, below, _ := cutTenant(r.URL.Path)
	return below
}

// behindTenant returns the path of a document of a tenant, which clients put before the path of what it is about.
func behindTenant(path string) string {
	for _, known := range metadataPaths {
		if after, ok := strings.CutPrefix(path, known+"/t/"); ok {
			return "/t/" + strings.TrimSuffix(after, "/") + known
		}
	}
	if after, ok := strings.CutPrefix(path, issuer.ResourceMetadata+"/t/"); ok {
		id, rest, _ := strings.Cut(after, "/")
		return "/t/" + id + issuer.ResourceMetadata + strings.TrimSuffix("/"+rest, "/")
	}
	return path
}

// orLast returns the tenant with that key. If storage cannot be read, the public documents of a
// tenant are served from the record that was read last, because clients and APIs need them to use
// tokens that they already have.
func orLast(ctx context.Context, from *cache.Cache[string, *issuer.Tenant], key, path string) (*issuer.Tenant, error) {
	tenant, err := from.Get(ctx, key)
	if err != nil && (path == "/jwks" || slices.Contains(metadataPaths, path)) {
		if last, ok := from.Last(key); ok {
			return last, nil
		}
	}
	return tenant, err
}

// unknownTenant turns storage.ErrNotFound into the Problem for it.
func unknownTenant(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return &Problem{Status: http.StatusNotFound, Message: "problem.no_page"}
	}
	return err
}
