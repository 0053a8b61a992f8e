package upstream

import (
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

var (
	// ErrUnreachable says that the provider did not answer in time, or not in a way that
	// says anything about the user.
	ErrUnreachable = errors.New("the provider cannot be reached")
	// ErrRefused says that what came back is not to be believed.
	ErrRefused = errors.New("the provider's answer is not to be believed")
	// ErrDenied says that the user, or the provider, did not want to.
	ErrDenied = errors.New("denied at the provider")
)

// Request is a round trip to a provider. State, Nonce and Verifier are random each time.
type Request struct {
	RedirectURI string
	State       string
	Nonce       string
	Verifier    string // PKCE, RFC 7636; "" if an app has made the request, without it
	LoginHint   string
	// Fresh asks the provider to have the user prove themselves anew, later than Begun.
	Fresh bool
	Begun time.Time
}

// Answer is what the browser came back with.
type Answer struct {
	Code  string
	Error string
	Iss   string // RFC 9207
	// User is what Apple says of a user who comes for the first time, as JSON.
	User string
}

// Token is what an app brings from the provider's SDK: an ID token, with Facebook an access
// token.
type Token struct {
	IDToken     string
	AccessToken string
	Nonce       string // with which the app requested the ID token; "" for none
}

// Identity is who a user is at the provider.
type Identity struct {
	Subject string
	Email   string // as it came
	// EmailVerified says that the provider has seen that the address is the user's.
	EmailVerified bool
	// Hosted is the domain of the organisation that the account belongs to (Google's hd).
	Hosted  string
	Profile storage.Profile
	AMR     []string // RFC 8176
	// Groups are the tenant's groups that the provider says the user is in. It says nothing about them unless
	// GroupsSaid.
	Groups     []string
	GroupsSaid bool
	// ProvenAt is when the user has proven themselves there; zero when the provider does not
	// say.
	ProvenAt time.Time
	// Said are the claims as they came, from each place that was asked, for administrators who try the provider. They are
	// not stored.
	Said []map[string]any `json:"-"`
}

// hostedBy returns Hosted as addresses and settings have domains; "" is none.
func (id Identity) hostedBy() string {
	domain, err := address.Domain(id.Hosted)
	if err != nil {
		return ""
	}
	return domain
}
