package calls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

var (
	// ErrUnreachable says that the provider did not answer in time, or not in a way that
	// says anything about the person.
	ErrUnreachable = errors.New("the provider cannot be reached")
	// ErrRefused says that what came back is not to be believed.
	ErrRefused = errors.New("the provider's answer is not to be believed")
	// ErrDenied says that the person, or the provider, did not want to.
	ErrDenied = errors.New("denied at the provider")
)

const (
	// patience bounds all calls of one half of a round trip together.
	patience = 8 * time.Second
	// maxCalls bounds the people that wait for providers at one time.
	maxCalls = 128
)

// Clients reach the providers of all tenants.
type Clients struct {
	http  *http.Client
	found discoveries
	slots chan struct{}
}

// New makes Clients that call out by the given client, one of internal/outbound.
func New(c *http.Client) *Clients {
	return &Clients{http: c, slots: make(chan struct{}, maxCalls), found: discoveries{http: c}}
}

// Provider is one that people may come from.
type Provider struct {
	storage.Upstream
	preset  preset
	clients *Clients
	secret  string
}

// Provider is the provider of the settings, with its secret in the clear.
func (c *Clients) Provider(u storage.Upstream, secret string) (*Provider, error) {
	preset, ok := presets[u.Preset]
	if !ok {
		return nil, fmt.Errorf("upstream %s: no preset %q", u.ID, u.Preset)
	}
	p := &Provider{Upstream: u, preset: preset, clients: c, secret: secret}
	p.Name = NameOf(u)
	if p.Issuer == "" {
		p.Issuer = preset.issuer
	}
	if len(p.Scopes) == 0 {
		p.Scopes = preset.scopes
	}
	return p, nil
}

// NameOf is what people call the provider of the settings.
func NameOf(u storage.Upstream) string {
	return cmp.Or(u.Name, presets[u.Preset].name, u.ID)
}

// PostsForm says whether its answers come as a form that its page posts.
func (p *Provider) PostsForm() bool { return p.preset.formPost }

// SpeaksFor says whether the tenant has declared that the provider has the last word about
// the address, and the provider itself does not say otherwise: Google has it about its own
// domains and those of organisations that it hosts, not about an address of elsewhere that a
// user once confirmed there.
func (p *Provider) SpeaksFor(email address.Claimed, id Identity) bool {
	domain := email.Domain()
	if !id.EmailVerified || !slices.Contains(p.AuthoritativeDomains, domain) {
		return false
	}
	return !p.preset.hosted || id.hostedBy() == domain || domain == "gmail.com" || domain == "googlemail.com"
}

// Admits says whether the tenant lets people with that address come from here.
func (p *Provider) Admits(email address.Claimed, id Identity) bool {
	if len(p.Domains) == 0 {
		return true
	}
	return id.EmailVerified && slices.Contains(p.Domains, email.Domain()) && (!p.preset.hosted || slices.Contains(p.Domains, id.hostedBy()))
}

// Request is a round trip. The caller makes State, Nonce and Verifier, random each time.
type Request struct {
	RedirectURI string
	State       string
	Nonce       string
	Verifier    string // PKCE, RFC 7636
	LoginHint   string
	// Fresh asks the provider to have the person prove themselves anew, later than Begun.
	Fresh bool
	Begun time.Time
}

// Answer is what the browser came back with.
type Answer struct {
	Code  string
	Error string
	Iss   string // RFC 9207
	// User is what Apple says of somebody who comes for the first time, as JSON.
	User string
}

// Identity is who somebody is at the provider.
type Identity struct {
	Subject string
	Email   string // as it came
	// EmailVerified says that the provider has seen that the address is theirs.
	EmailVerified bool
	// Hosted is the domain of the organisation that the account belongs to (Google's hd).
	Hosted  string
	Profile storage.Profile
	AMR     []string // RFC 8176
	// ProvenAt is when the person has proven themselves there; zero when the provider does not
	// say.
	ProvenAt time.Time
}

// hostedBy is Hosted as addresses and settings have domains; "" is none.
func (id Identity) hostedBy() string {
	domain, err := address.Domain(id.Hosted)
	if err != nil {
		return ""
	}
	return domain
}

// AuthURL is where to send the browser.
func (p *Provider) AuthURL(ctx context.Context, r Request) (string, error) {
	ctx, done, err := p.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	conf, found, err := p.config(ctx, r)
	if err != nil {
		return "", err
	}
	opts := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(r.Verifier)}
	set := func(name, value string) { opts = append(opts, oauth2.SetAuthURLParam(name, value)) }
	if found != nil {
		set("nonce", r.Nonce)
	}
	if p.preset.formPost {
		set("response_mode", "form_post")
	}
	if r.LoginHint != "" && found != nil {
		set("login_hint", r.LoginHint)
	}
	if r.Fresh {
		for name, value := range p.preset.fresh {
			set(name, value)
		}
		if found != nil { // which obliges it to say when that was (OIDC Core 3.1.2.1)
			set("max_age", "0")
		}
	}
	if p.preset.hosted && len(p.Domains) == 1 {
		set("hd", p.Domains[0])
	}
	return conf.AuthCodeURL(r.State, opts...), nil
}

// Identify redeems what came back for r.
func (p *Provider) Identify(ctx context.Context, r Request, a Answer) (Identity, error) {
	ctx, done, err := p.begin(ctx)
	if err != nil {
		return Identity{}, err
	}
	defer done()
	conf, found, err := p.config(ctx, r)
	if err != nil {
		return Identity{}, err
	}
	if err := p.checkIssuer(a.Iss, found); err != nil {
		return Identity{}, err
	}
	if a.Error != "" {
		if slices.Contains([]string{"access_denied", "user_cancelled_authorize", "user_cancelled_login"}, a.Error) {
			return Identity{}, ErrDenied
		}
		return Identity{}, fmt.Errorf("%w: error %.40q", ErrUnreachable, a.Error)
	}
	if a.Code == "" {
		return Identity{}, refused("neither code nor error")
	}
	token, err := conf.Exchange(ctx, a.Code, oauth2.VerifierOption(r.Verifier))
	if err != nil {
		return Identity{}, exchangeError(err)
	}
	var id Identity
	if found != nil {
		id, err = p.openID(ctx, r, found, token)
	} else {
		id, err = p.preset.identify(ctx, p, token.AccessToken)
	}
	if err != nil {
		return Identity{}, err
	}
	if p.preset.first != nil {
		p.preset.first(&id, a)
	}
	if !usable(id.Subject) {
		return Identity{}, refused("no usable subject")
	}
	if p.DistrustEmail || id.Email == "" {
		id.EmailVerified = false
	}
	return id, nil
}

// usable says whether the subject can be told from every other: what JSON cannot hold, and
// what a database cannot, is replaced by one and the same character.
func usable(subject string) bool {
	return subject != "" && len(subject) <= 255 && !strings.ContainsFunc(subject, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError
	})
}

// begin bounds what follows in time and number.
func (p *Provider) begin(ctx context.Context) (context.Context, func(), error) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, p.clients.http), patience)
	select {
	case p.clients.slots <- struct{}{}:
		return ctx, func() { <-p.clients.slots; cancel() }, nil
	default:
		cancel()
		return nil, nil, fmt.Errorf("%w: too many wait for providers", ErrUnreachable)
	}
}

// config is what x/oauth2 needs to know, and what was discovered; nil when the provider
// is none of OpenID.
func (p *Provider) config(ctx context.Context, r Request) (*oauth2.Config, *discovery, error) {
	conf := &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.secret, RedirectURL: r.RedirectURI, Scopes: p.Scopes}
	if p.preset.endpoint != nil {
		conf.Endpoint = p.preset.endpoint(p.Issuer)
		return conf, nil, nil
	}
	found, err := p.clients.found.get(ctx, p.Issuer, p.preset.templated)
	if err != nil {
		return nil, nil, err
	}
	conf.Endpoint = found.endpoint()
	if p.preset.secret != nil {
		if conf.ClientSecret, err = p.preset.secret(p, time.Now()); err != nil {
			return nil, nil, err
		}
		conf.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return conf, found, nil
}

// checkIssuer holds the answer's iss to whom was asked (RFC 9207 section 2.4): another's
// answer must not be redeemed here.
func (p *Provider) checkIssuer(iss string, found *discovery) error {
	want := p.preset.answersAs
	if found != nil {
		want = found.issuer
		if iss == "" && found.sendsIssuer {
			return refused("the answer names no issuer")
		}
		if found.templated() && iss != "" && found.matches(iss) {
			return nil
		}
	}
	if iss != "" && iss != want {
		return refused("the answer is another issuer's")
	}
	return nil
}

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

// unreachable hides the address that was asked: its query may hold what is secret.
func unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// exchangeError says what went wrong at the token endpoint, without what it answered.
func exchangeError(err error) error {
	var r *oauth2.RetrieveError
	if !errors.As(err, &r) {
		return unreachable(err)
	}
	if r.Response.StatusCode >= 500 || r.Response.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("%w: token endpoint: status %d", ErrUnreachable, r.Response.StatusCode)
	}
	return refused("token endpoint: status %d, error %.40q", r.Response.StatusCode, strings.TrimSpace(r.ErrorCode))
}
