package provider

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/provider/authorize"
	"github.com/vouchsafe/vouchsafe/provider/clientauth"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/logout"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/register"
	"github.com/vouchsafe/vouchsafe/provider/resource"
	"github.com/vouchsafe/vouchsafe/provider/token"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Provider serves the protocol for all tenants.
type Provider struct {
	Config
	clients *oauth.Clients
	// Keys are the signing keys of all tenants.
	Keys *keys.Ring

	auth      *clientauth.Authenticator
	tokens    *tokens.Maker
	proofs    *dpop.Checker
	authorize *authorize.Server
	token     *token.Server
	logout    *logout.Server
	resource  *resource.Server
	register  *register.Server
	origins   cache.Cache[originKey, bool]
	endpoints []Endpoint

	keyDocuments, metadataDocuments, resourceDocuments published
}

// Interaction returns the authorization request that a page was given as i. Its errors are for users
// (web.Problem).
func (p *Provider) Interaction(r *http.Request) (storage.Interaction, error) {
	return p.authorize.Interaction(r)
}

// OpenDevice returns the address at which the browser goes on with the request of the device that shows userCode.
// storage.ErrNotFound: no device that waits shows it.
func (p *Provider) OpenDevice(w http.ResponseWriter, r *http.Request, userCode string) (string, error) {
	return p.authorize.OpenDevice(w, r, userCode)
}

// originKey names an origin across tenants.
type originKey struct{ tenant, origin string }

func (k originKey) String() string { return k.tenant + "\x00" + k.origin }

// Endpoint returns the row of a path below the issuer, or nil.
func (p *Provider) Endpoint(path string) *Endpoint {
	for i := range p.endpoints {
		if p.endpoints[i].Path == path {
			return &p.endpoints[i]
		}
	}
	return nil
}
