package keratin

import (
	"context"
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/provider/keys"
)

// Config is what a Door is made of. Fields without a default are required.
type Config struct {
	People *delegated.Service
	Keys   *keys.Ring
	// Tenant returns the tenant whose users sign in here.
	Tenant func(ctx context.Context) (*issuer.Tenant, error)
	// URL is the iss of tokens. The routes are below its path.
	URL string
	// Domains are where the app's pages are: HOST or HOST:PORT, where * stands for a part of a host.
	Domains []string
	// User and Password open the private routes.
	User, Password string
	// SignUp offers the routes for it.
	SignUp bool
	// TokenLife is how long an id_token is valid, and SessionLife how long a session lives without being refreshed.
	TokenLife, SessionLife time.Duration
	// Persistent keeps the cookie when the browser is closed.
	Persistent bool
	SameSite   http.SameSite
	// Resets and Passwordless say that the app delivers tokens for those.
	Resets, Passwordless bool
	// Language returns the language of mails that a request causes.
	Language func(*http.Request) string
	// Health reports whether the database and Redis answer.
	Health func(ctx context.Context) (db, redis bool)
	// Metrics serves those of the server, and Count adds a request to them, by the name that Keratin AuthN has for the
	// route. Default: nothing is added.
	Metrics http.Handler
	Count   func(name string, status int, took time.Duration)
}

// Door serves the routes of Keratin AuthN.
type Door struct {
	Config
	domains []domain
	path    string // below which the routes are
	secure  bool
	login   [sha256.Size]byte // of User and Password
}

// Path returns the path below which the routes are; "" for the root.
func (d *Door) Path() string { return d.path }

// asking is a request, as handlers see it.
type asking struct {
	*http.Request
	w      http.ResponseWriter
	fields fields
	asker  people.Asker
	// audience is the domain whose page asks: of tokens. "" on routes without an origin.
	audience string
}
