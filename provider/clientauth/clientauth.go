package clientauth

import (
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

// Authenticator authenticates the client that sends a request. Make one with New.
type Authenticator struct {
	// Clients are the registered clients.
	Clients *oauth.Clients
	// Store remembers which assertions were used.
	Store storage.SpentValues
	// Ephemeral remembers the networks from which clients have authenticated.
	Ephemeral ephemeral.Store
	Limits    *limit.Limiter
	// Failures bounds the failures of one client from one address; see attempt. The default is 20 a
	// minute.
	Failures limit.Rule
	// Fetch reads the jwks_uri of clients.
	Fetch Fetcher
	// Authorities issue the certificates of clients with tls_client_auth; nil for none.
	Authorities *mtls.Authorities
	// Development tells clients why their authentication failed.
	Development bool

	secrets    *secretMatcher
	remoteKeys remoteKeys
}

// New returns a, completed. The exported fields must be set.
func New(a *Authenticator) *Authenticator {
	if a.Failures.Max == 0 {
		a.Failures = authFailures
	}
	a.Failures.Name = authFailures.Name
	a.secrets = newSecretMatcher()
	return a
}

// authFailures is the default of Authenticator.Failures. It bounds the failures of one client from
// one address, in the networks of limit.Networks. An address may have a few times as many for all
// clients together, so that guessing at many ids does not help, and a client may have more from all
// addresses, so that a botnet cannot guess.
var authFailures = limit.Rule{Name: "client-auth", Max: 20, Window: time.Minute}
