package backendauth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/tenantapp"
)

// Config is what a Door is made of. Fields without a default are required.
type Config struct {
	People *tenantapp.Service
	Limits *limit.Limiter
	// Tenant returns the tenant for whose counters attempts count that are about no tenant yet.
	Tenant func(ctx context.Context) (*issuer.Tenant, error)
	// URL is where apps find the routes: they are below its path.
	URL string
	// Requests bounds the requests of one address, and Between has each wait after the one before. Default: no bound.
	Requests, Between limit.Rule
	// Unthrottled are addresses that these do not concern.
	Unthrottled []netip.Prefix
	// Registrars are addresses from which tenants are registered. Default: none, but those with a certificate.
	Registrars []netip.Prefix
	// Issuer is the common name of the issuer of client certificates with which tenants are registered; "" for none.
	Issuer string
	// PageLength is how many users a page of their list has.
	PageLength int
	// ForceHTTPS redirects requests that came without TLS.
	ForceHTTPS bool
	// HTTPSPort is where they are redirected; "" for the port of URL.
	HTTPSPort string
	// TrustedProxies say by X-Forwarded-Proto whether a request came by TLS.
	TrustedProxies []netip.Prefix
	// Language returns the language of mails that a request causes.
	Language func(*http.Request) string
}

// Door serves the routes of backend-auth.
type Door struct {
	Config
	at *url.URL
}

// New checks the Config.
func New(c Config) (*Door, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || c.People == nil || c.Limits == nil || c.Tenant == nil || c.Language == nil ||
		c.PageLength < 1 {
		return nil, errors.New("backendauth: People, Limits, Tenant, URL, PageLength and Language are required")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return &Door{Config: c, at: u}, nil
}

// Path returns the path below which the routes are; "" for the root.
func (d *Door) Path() string { return d.at.Path }

// asking is a request, as handlers see it.
type asking struct {
	*http.Request
	w     http.ResponseWriter
	body  body
	asker people.Asker
	// registers says that the request may add a tenant.
	registers bool
}

// actor stands for the app's server in the audit trail.
const actor = "backend-auth"

// asks reads who asks.
func (d *Door) asks(w http.ResponseWriter, r *http.Request) (*asking, error) {
	tenant, err := d.Tenant(r.Context())
	if err != nil {
		return nil, err
	}
	req := web.RequestOf(r.Context())
	return &asking{Request: r, w: w, asker: people.Asker{
		Tenant: tenant, RequestID: req.ID, IP: req.IP, UserAgent: r.UserAgent(), Language: d.Language(r),
	}}, nil
}

// asApp returns the asker as one whose doings are those of the app's server.
func (a *asking) asApp() people.Asker {
	asker := a.asker
	asker.Actor = actor
	return asker
}

// contains reports whether one of the networks has the address.
func contains(networks []netip.Prefix, ip string) bool {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	for _, n := range networks {
		if n.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// throttle bounds the requests of an address. It returns how long to wait if there were too many.
func (d *Door) throttle(ctx context.Context, ip string) (wait time.Duration, ok bool) {
	if contains(d.Unthrottled, ip) {
		return 0, true
	}
	var by []limit.By
	for _, rule := range []limit.Rule{d.Between, d.Requests} {
		if rule.Max > 0 && rule.Window > 0 {
			by = append(by, limit.By{Rule: rule, Subject: limit.Network(ip)})
		}
	}
	if len(by) == 0 {
		return 0, true
	}
	tenant, err := d.Tenant(ctx)
	if err != nil {
		return 0, true // the route says so
	}
	_, wait, ok = d.Limits.Admit(ctx, tenant.ID, ip, by...)
	return wait, ok
}
