package upstreams

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

const (
	// keepFound is how long a discovery document, and the keys it names, are believed.
	// Keys that are not known yet are looked for at once.
	keepFound = time.Hour
	// keepMissing is how long the document is not asked for again after it could not be read.
	keepMissing = 5 * time.Second
	// maxFound bounds the documents that are kept.
	maxFound = 1000
)

// errUnread says that the provider answered with something else than a discovery document.
var errUnread = fmt.Errorf("%w: the discovery document could not be read", upstream.ErrUnreachable)

// discovery is what a provider says of itself.
type discovery struct {
	*oidc.Provider
	issuer      string // may hold tenantTemplate
	sendsIssuer bool
	authStyle   oauth2.AuthStyle
	keys        *keySet
	verifier    *oidc.IDTokenVerifier // of signature and time; audience and issuer are checked beside
}

// tenantTemplate stands in the issuer of Microsoft's many directories.
const tenantTemplate = "{tenantid}"

// guid is how the ids of Microsoft's directories are written.
var guid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// templated reports whether the issuer stands for those of many directories.
func (d *discovery) templated() bool { return strings.Contains(d.issuer, tenantTemplate) }

// matches reports whether iss is the issuer, or one of those that its template stands for.
func (d *discovery) matches(iss string) bool {
	if !d.templated() {
		return iss == d.issuer
	}
	before, after, _ := strings.Cut(d.issuer, tenantTemplate)
	rest, ok := strings.CutPrefix(iss, before)
	tenant, ok2 := strings.CutSuffix(rest, after)
	return ok && ok2 && guid.MatchString(tenant)
}

// endpoint returns where the provider is asked, and how the client authenticates there: by Basic unless the provider
// does not name it.
func (d *discovery) endpoint() oauth2.Endpoint {
	e := d.Endpoint()
	e.AuthStyle = d.authStyle
	return e
}

// discoveries keeps what was discovered, by issuer.
type discoveries struct {
	http *http.Client
	mu   sync.Mutex
	all  map[string]*found
}

// found is one document, or the reason why there is none. Only the goroutine that holds turn fetches it.
type found struct {
	turn chan struct{}
	at   time.Time
	last *discovery
	err  error
}

// get reads the document at most once at a time: a provider that hangs keeps those
// waiting who want it, each no longer than their context allows.
func (ds *discoveries) get(ctx context.Context, issuer string, templated bool) (*discovery, error) {
	ds.mu.Lock()
	f := ds.all[issuer]
	if f == nil {
		if ds.all == nil || len(ds.all) >= maxFound {
			ds.all = map[string]*found{}
		}
		f = &found{turn: make(chan struct{}, 1)}
		ds.all[issuer] = f
	}
	ds.mu.Unlock()
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: discovery: %w", upstream.ErrUnreachable, ctx.Err())
	}
	age := time.Since(f.at)
	switch {
	case f.last != nil && age < keepFound:
		return f.last, nil
	case f.err != nil && age < keepMissing:
		return nil, f.err
	}
	fresh, err := ds.look(context.WithoutCancel(ctx), issuer, templated)
	f.at, f.last, f.err = time.Now(), fresh, err
	return fresh, err
}

// look fetches and checks the discovery document (OpenID Connect Discovery section 4.3). The issuer that it names must
// be the one that was asked, and its endpoints https.
func (ds *discoveries) look(ctx context.Context, issuer string, templated bool) (*discovery, error) {
	ctx = oidc.ClientContext(ctx, ds.http)
	asked := ctx
	if templated {
		asked = oidc.InsecureIssuerURLContext(ctx, issuer) // looked at below
	}
	p, err := oidc.NewProvider(asked, issuer)
	var mismatch *oidc.IssuerMismatchError
	if errors.As(err, &mismatch) {
		return nil, refused("discovery: it calls itself %.200q", mismatch.Discovered)
	}
	if err != nil {
		// Not the error itself: it quotes the answer.
		var u *url.Error
		if errors.As(err, &u) {
			return nil, fmt.Errorf("%w: discovery: %w", upstream.ErrUnreachable, u.Err)
		}
		return nil, errUnread
	}
	var more struct {
		Issuer      string   `json:"issuer"`
		SendsIssuer bool     `json:"authorization_response_iss_parameter_supported"`
		Auth        []string `json:"token_endpoint_auth_methods_supported"`
		JWKS        string   `json:"jwks_uri"`
		Algorithms  []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, errUnread
	}
	d := &discovery{Provider: p, issuer: more.Issuer, sendsIssuer: more.SendsIssuer, authStyle: oauth2.AuthStyleInHeader}
	if len(more.Auth) > 0 && !slices.Contains(more.Auth, "client_secret_basic") {
		d.authStyle = oauth2.AuthStyleInParams
	}
	if d.issuer != issuer {
		// Only for the one provider that has a template, and only its own.
		asked, err1 := url.Parse(issuer)
		says, err2 := url.Parse(strings.ReplaceAll(d.issuer, tenantTemplate, "t"))
		if err1 != nil || err2 != nil || !d.templated() || asked.Scheme != says.Scheme || asked.Host != says.Host {
			return nil, refused("discovery: it calls itself %.200q", d.issuer)
		}
	}
	e := p.Endpoint()
	for _, address := range []string{e.AuthURL, e.TokenURL, more.JWKS} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && !strings.HasPrefix(issuer, "http://") {
			return nil, refused("discovery: an endpoint is missing or not https")
		}
	}
	d.keys = newKeySet(ds.http, more.JWKS, more.Algorithms)
	algs := make([]string, len(d.keys.algs))
	for i, alg := range d.keys.algs {
		algs[i] = string(alg)
	}
	// The audience is checked with the rest of the claims.
	d.verifier = oidc.NewVerifier(d.issuer, d.keys,
		&oidc.Config{SkipClientIDCheck: true, SkipIssuerCheck: true, SupportedSigningAlgs: algs})
	return d, nil
}

// expand puts a directory's id into the template; "" if it is no such id.
func expand(template, tenant string) string {
	if !guid.MatchString(tenant) {
		return ""
	}
	return strings.ReplaceAll(template, tenantTemplate, tenant)
}
