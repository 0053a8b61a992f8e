package oauth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Clients finds registered clients, as storage had them at most cache.TTL ago. It is the whole
// fosite.Storage: fosite reads nothing else.
type Clients struct {
	read cache.Cache[clientKey, *storage.Client]
}

// clientKey identifies a client among all tenants.
type clientKey struct{ tenant, id string }

// String returns a unique text for the key.
func (k clientKey) String() string { return k.tenant + "\x00" + k.id }

// ClientStore finds one client.
type ClientStore interface {
	Client(ctx context.Context, tenant, id string) (storage.Client, error)
}

// NewClients returns the clients of a store.
func NewClients(store ClientStore) *Clients {
	load := func(ctx context.Context, k clientKey) (*storage.Client, error) {
		c, err := store.Client(ctx, k.tenant, k.id)
		if err == nil && c.Outside != nil {
			c.Scope = ""
			if t := web.FindTenant(ctx); t != nil && t.ID == k.tenant {
				c.Scope = clients.OutsideScope(&t.Tenant, &c)
			}
		}
		return &c, err
	}
	return &Clients{read: cache.Cache[clientKey, *storage.Client]{Load: load, Name: clientKey.String}}
}

// MaxClientID bounds the length of an id that is looked up, in bytes.
const MaxClientID = 256

// Enabled returns a client that is registered and not disabled. The record is shared: do not change
// it. The error is storage.ErrNotFound if there is none.
func (c *Clients) Enabled(ctx context.Context, tenant, id string) (*storage.Client, error) {
	if id == "" || len(id) > MaxClientID {
		return nil, storage.ErrNotFound
	}
	found, err := c.read.Get(ctx, clientKey{tenant, id})
	if err != nil {
		return nil, err
	}
	if found.Disabled || found.Outside != nil && !admitted(ctx, found) {
		return nil, storage.ErrNotFound
	}
	return found, nil
}

// admitted reports whether the tenant of the request works with an outside client.
func admitted(ctx context.Context, c *storage.Client) bool {
	t := web.FindTenant(ctx)
	return t != nil && t.ID == c.TenantID && clients.Admits(&t.Tenant, c)
}

// Fresh returns the client as storage has it now, whether disabled or not.
func (c *Clients) Fresh(ctx context.Context, tenant, id string) (*storage.Client, error) {
	return c.read.Fresh(ctx, clientKey{tenant, id})
}

// GetClient implements fosite.ClientManager.
func (c *Clients) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	found, err := c.Enabled(ctx, web.TenantOf(ctx).ID, id)
	if err != nil {
		return nil, err
	}
	return Client{found}, nil
}

// errAssertions is returned by the methods for client assertions, which package clientauth
// replaces.
var errAssertions = errors.New("client assertions are not verified by fosite")

// ClientAssertionJWTValid implements fosite.ClientManager. Package clientauth verifies assertions.
func (c *Clients) ClientAssertionJWTValid(context.Context, string) error { return errAssertions }

// SetClientAssertionJWT implements fosite.ClientManager.
func (c *Clients) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return errAssertions
}

// ResponseModes are the ways in which an authorization response can be sent (OAuth 2.0 Multiple
// Response Types section 2.1, OAuth 2.0 Form Post Response Mode, JARM section 2.3).
var ResponseModes = []fosite.ResponseModeType{fosite.ResponseModeQuery, fosite.ResponseModeFragment,
	fosite.ResponseModeFormPost, "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}

// SignedMode returns the response mode that carries a signed response of the mode m (JARM section 2.3), and reports
// whether m is one for signed responses.
func SignedMode(m fosite.ResponseModeType) (carrier fosite.ResponseModeType, signed bool) {
	if m == "jwt" { // for response_type code
		return fosite.ResponseModeQuery, true
	}
	base, signed := strings.CutSuffix(string(m), ".jwt")
	return fosite.ResponseModeType(base), signed
}

// Client is a client in the form of fosite's interfaces.
type Client struct{ *storage.Client }

func (c Client) GetID() string                      { return c.ClientID }
func (c Client) GetHashedSecret() []byte            { return nil } // package clientauth compares secrets
func (c Client) GetRedirectURIs() []string          { return c.RedirectURIs }
func (c Client) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c Client) GetResponseTypes() fosite.Arguments { return c.ResponseTypes }
func (c Client) GetScopes() fosite.Arguments        { return c.Scopes() }
func (c Client) IsPublic() bool                     { return c.Public() }
func (c Client) GetAudience() fosite.Arguments      { return c.Audience }

// GetResponseModes implements fosite.ResponseModeClient. Without it, fosite refuses every explicit
// response_mode.
func (c Client) GetResponseModes() []fosite.ResponseModeType { return ResponseModes }

func (c Client) GetRequestURIs() []string                 { return nil }
func (c Client) GetJSONWebKeys() *jose.JSONWebKeySet      { return nil }
func (c Client) GetJSONWebKeysURI() string                { return "" }
func (c Client) GetRequestObjectSigningAlgorithm() string { return "" }
func (c Client) GetTokenEndpointAuthMethod() string       { return c.TokenEndpointAuthMethod }
func (c Client) GetTokenEndpointAuthSigningAlgorithm() string {
	return c.TokenEndpointAuthSigningAlg
}

var (
	_ fosite.Client              = Client{}
	_ fosite.OpenIDConnectClient = Client{}
	_ fosite.ResponseModeClient  = Client{}
)
