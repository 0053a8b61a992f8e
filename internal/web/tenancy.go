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
	"github.com/vouchsafe/vouchsafe/storage"
)

// Tenant is the issuer that a request is meant for. Requests share it: it is not to be
// changed.
type Tenant struct {
	storage.Tenant
	// Issuer is its iss: no slash at the end.
	Issuer string
	// Path is what its URLs have before the path that handlers see: "" or "/t/ID".
	Path string
	// Secure says that the issuer is https, so that cookies are Secure and __Host-.
	Secure bool
}

// URL is the absolute URL of a path such as "/token".
func (t *Tenant) URL(path string) string { return t.Issuer + path }

type tenantKey struct{}

// TenantOf is the request's tenant. It panics outside of Tenancy, where there is none.
func TenantOf(ctx context.Context) *Tenant {
	t := FindTenant(ctx)
	if t == nil {
		panic("web: a request outside of Tenancy has no tenant")
	}
	return t
}

// FindTenant is the request's tenant, or nil outside of Tenancy: for the error page,
// which also tells that there is none.
func FindTenant(ctx context.Context) *Tenant {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok && r.tenant != nil {
		return r.tenant
	}
	t, _ := ctx.Value(tenantKey{}).(*Tenant)
	return t
}

// WithTenant is ctx with the tenant: for tests and for fosite's callbacks.
func WithTenant(ctx context.Context, t *Tenant) context.Context {
	return context.WithValue(ctx, tenantKey{}, t)
}

// Tenancy finds the tenant that a request is meant for, and takes its prefix off the path.
type Tenancy struct {
	issuer *url.URL
	errors ErrorPage
	byID   cache.Cache[string, *Tenant]
	byHost cache.Cache[string, *Tenant]
}

// NewTenancy serves the default tenant at issuer (an absolute URL without path) and
// the others below it or at hosts of their own.
func NewTenancy(issuer string, tenants storage.Tenants, errs ErrorPage) (*Tenancy, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("issuer %q: want https://HOST or, for development, http://localhost:PORT, without path", issuer)
	}
	if host, err := hostname.Canonical(u.Scheme, u.Host); err != nil || host != u.Host {
		return nil, fmt.Errorf("issuer %q: its host is not written as browsers write it", issuer)
	}
	t := &Tenancy{issuer: u, errors: errs}
	by := func(load func(context.Context, string) (storage.Tenant, error)) cache.Cache[string, *Tenant] {
		away := func(err error) bool { return !errors.Is(err, storage.ErrNotFound) }
		return cache.Cache[string, *Tenant]{Name: func(s string) string { return s }, Keeps: away, Load: func(ctx context.Context, key string) (*Tenant, error) {
			rec, err := load(ctx, key)
			if err != nil {
				return nil, err
			}
			return t.tenant(rec), nil
		}}
	}
	t.byID, t.byHost = by(tenants.Tenant), by(tenants.TenantByHost)
	return t, nil
}

// Tenant is the tenant by its id, as requests would see it. ErrNotFound when it is
// unknown or disabled.
func (t *Tenancy) Tenant(ctx context.Context, id string) (*Tenant, error) {
	return enabled(t.byID.Get(ctx, id))
}

func enabled(t *Tenant, err error) (*Tenant, error) {
	if err == nil && t.Disabled {
		return nil, storage.ErrNotFound
	}
	return t, err
}

// tenant is what requests see of a record.
func (t *Tenancy) tenant(rec storage.Tenant) *Tenant {
	out := &Tenant{Tenant: rec, Issuer: t.issuer.String(), Secure: t.issuer.Scheme == "https"}
	switch {
	case rec.Host != "":
		out.Issuer = t.issuer.Scheme + "://" + rec.Host
	case rec.ID != storage.DefaultTenant:
		out.Path = "/t/" + rec.ID
		out.Issuer += out.Path
	}
	return out
}

// Wrap finds the tenant and hands on the request with the rest of its path. An
// unknown host is 421 (nothing that Vouchsafe says may depend on a header that the
// sender made up), an unknown tenant 404.
func (t *Tenancy) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, path, err := t.find(r)
		if err == nil && r.URL.RawPath != "" {
			// No path here needs escapes. One that is written with them would reach what a
			// proxy's rules keep from the path that it reads as.
			err = unknownTenant(storage.ErrNotFound)
		}
		if err != nil {
			// The answer is the same for everybody. Whoever writes an SPA with the wrong
			// address in it learns so, instead of being told about CORS.
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
			u.Path = path
			r2.URL = &u
			r = &r2
		}
		next.ServeHTTP(w, r)
	})
}

// metadataPaths are those to which clients append the path of an issuer (RFC 8414 section
// 3.1), besides being below it (OpenID Connect Discovery 4.1).
var metadataPaths = []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}

func (t *Tenancy) find(r *http.Request) (*Tenant, string, error) {
	if !hostname.Same(r.Host, t.issuer) {
		tenant, err := orLast(r.Context(), &t.byHost, hostname.Bare(r.Host, t.issuer.Scheme), r.URL.Path)
		if errors.Is(err, storage.ErrNotFound) {
			return nil, "", &Problem{Status: http.StatusMisdirectedRequest,
				Message:   "problem.host",
				Developer: "The request's Host is not the issuer's. Use the issuer's URL, or set VOUCHSAFE_ISSUER to the URL that people use.",
				Got:       r.Host, Expected: []string{t.issuer.Host}}
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
		for _, known := range metadataPaths {
			if after, ok := strings.CutPrefix(path, known+"/t/"); ok {
				path = "/t/" + strings.TrimSuffix(after, "/") + known
			}
		}
	}
	id := storage.DefaultTenant
	if after, ok := strings.CutPrefix(path, "/t/"); ok {
		id, path, _ = strings.Cut(after, "/")
		path = "/" + path
		if id == storage.DefaultTenant {
			return nil, "", unknownTenant(storage.ErrNotFound) // it has one URL: the root
		}
	}
	tenant, err := enabled(orLast(r.Context(), &t.byID, id, path))
	if err != nil {
		return nil, "", unknownTenant(err)
	}
	if tenant.Host != "" {
		return nil, "", unknownTenant(storage.ErrNotFound) // it has one URL: its host
	}
	return tenant, path, nil
}

// orLast is the tenant of that key. Where none can be read now, what is published of one,
// which clients and APIs need for what they were given before, goes on with what was read
// last.
func orLast(ctx context.Context, from *cache.Cache[string, *Tenant], key, path string) (*Tenant, error) {
	tenant, err := from.Get(ctx, key)
	if err != nil && (path == "/jwks" || slices.Contains(metadataPaths, path)) {
		if last, ok := from.Last(key); ok {
			return last, nil
		}
	}
	return tenant, err
}

func unknownTenant(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return &Problem{Status: http.StatusNotFound, Message: "problem.no_page"}
	}
	return err
}
