package gateway

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// Path begins the paths of checks; the id of an entry follows.
	Path = "/forward-auth/"
	// ClientID is the id of the gateway's client.
	ClientID = "vouchsafe-gateway"
	// ownPath begins the paths of apps' hosts that are the gateway's own.
	ownPath      = "/.vouchsafe/"
	callbackPath = ownPath + "callback"
	// otherPath is where a user chooses another account, and comes back to the path in its parameter back.
	otherPath = ownPath + "other-account"
)

// Store is what the gateway asks of storage.
type Store interface {
	// LiveGrant is the method of storage.Grants.
	LiveGrant(
		ctx context.Context, tenant, id, jti string, now time.Time, also *storage.Belonging,
	) (storage.Grant, storage.User, error)
	// Belonging is the method of storage.Belongings.
	Belonging(ctx context.Context, tenant, userID string) (storage.Belonging, error)
}

// Protocol is what the gateway asks of the protocol.
type Protocol interface {
	// Bearer returns what the access token or the API key in the request's Authorization header stands for. Its error
	// is a web.Problem if that does not work.
	Bearer(r *http.Request) (storage.Bearer, error)
	// Grant redeems an authorization code of the client without making tokens. Its error is a web.Problem if the code
	// cannot be redeemed.
	Grant(ctx context.Context, clientID, code, redirectURI, verifier string) (storage.Grant, error)
}

// Config is what a Server is made of. All fields are required.
type Config struct {
	// Rules have been checked.
	Rules    *rules.File
	Store    Store
	Protocol Protocol
	Keys     *keys.Ring
	// Names returns by what the clients of a sector know the users of a tenant.
	Names   func(ctx context.Context, tenant, sector string) (pairwise.Names, error)
	Secrets *secret.Masters
	Limits  *limit.Limiter
	Audit   audit.Writer
	// Errors shows a user why a request is refused.
	Errors web.ErrorPage
	// TrustedProxies are the networks of proxies that may ask. A proxy that connects by a Unix socket may, too.
	TrustedProxies []netip.Prefix
	// Tenant serves a request as one of the tenant whose id it gets.
	Tenant func(w http.ResponseWriter, r *http.Request, id string, h http.Handler)
}

// Server answers checks.
type Server struct {
	Config
	grants   cache.Cache[grantKey, *caller]
	tokens   identityTokens
	names    map[string]string // the canonical name of the header that holds what
	told     []string          // the names of headers that tell apps who asks, in canonical form
	toldBare map[string]bool   // the same as bareName writes them
	answer   http.Handler
}

// exchange is a check on its way to an answer.
type exchange struct {
	s *Server
	w http.ResponseWriter
	r *http.Request
	t *issuer.Tenant
	// bare says that the proxy passes on no more than the status, one of 200, 401 and 403. page says that such a proxy
	// asks for what the browser gets after a refusal.
	bare, page bool

	asked  rules.Request
	target string // path and query, as the browser wrote them
	rule   *rules.Rule
	who    *caller
}

// origin returns the origin of the app.
func (x *exchange) origin() (string, bool) {
	authority, ok := x.s.Rules.Authority(x.asked.Host)
	scheme, _, _ := strings.Cut(x.t.Issuer, "://")
	return scheme + "://" + authority, ok
}

// refusal is why a request does not pass.
type refusal struct {
	status  int
	message string // the id of the text for users
	program string // the sentence for programs
	// challenge is the error of RFC 6750 section 3.1 for a request with an access token, or "".
	challenge string
	// signIn says that a sign-in can help: with a second factor, and one that is no older than maxAge, unless it is 0.
	signIn, secondFactor bool
	// choose says that the user chooses an account, even if the browser is signed in.
	choose bool
	maxAge time.Duration
	wait   time.Duration
}

// issuerHost returns the host of a tenant's issuer, without its port.
func issuerHost(t *issuer.Tenant) string {
	_, host, _ := strings.Cut(t.Issuer, "://")
	host, _, _ = strings.Cut(host, "/")
	return rules.HostName(host)
}
