package keratin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
)

// New checks the Config.
func New(c Config) (*Door, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || len(c.Domains) == 0 || c.User == "" || c.Password == "" {
		return nil, errors.New("keratin: URL, Domains, User and Password are required")
	}
	if c.People == nil || c.Keys == nil || c.Tenant == nil || c.Language == nil || c.Health == nil || c.Metrics == nil {
		return nil, errors.New("keratin: People, Keys, Tenant, Language, Health and Metrics are required")
	}
	d := &Door{Config: c, path: strings.TrimRight(u.Path, "/"), secure: u.Scheme == "https",
		login: loginOf(c.User, c.Password)}
	for _, text := range c.Domains {
		d.domains = append(d.domains, parseDomain(text))
	}
	return d, nil
}

// asks reads who asks.
func (d *Door) asks(w http.ResponseWriter, r *http.Request) (*asking, error) {
	tenant, err := d.Tenant(r.Context())
	if err != nil {
		return nil, err
	}
	req := web.RequestOf(r.Context())
	a := &asking{Request: r, w: w, asker: people.Asker{
		Tenant: tenant, RequestID: req.ID, IP: req.IP, UserAgent: r.UserAgent(), Language: d.Language(r),
		// Nothing that waits for a browser to come back is begun without a cookie of its own.
		Browser: "keratin",
		Kept:    people.Kept{Sessions: d.held(tenant, r), Known: cookieOf(r, deviceCookie)},
	}}
	return a, nil
}
