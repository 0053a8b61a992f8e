package resource

import (
	"context"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Server serves the endpoints that are shown a token. fosite calls it as its
// TokenIntrospector and its RevocationHandler.
type Server struct {
	Engine  *fosite.Fosite
	Store   Store
	Clients *oauth.Clients
	Tokens  *tokens.Maker
	Keys    *keys.Ring
	APIKeys oauth.APIKeys
	Proofs  *dpop.Checker
}

// Store is what the endpoints ask of storage.
type Store interface {
	storage.SpentValues
	Grant(ctx context.Context, tenant, id string) (storage.Grant, error)
	LiveGrant(
		ctx context.Context, tenant, id, jti string, now time.Time, also *storage.Belonging,
	) (storage.Grant, storage.User, error)
	Apply(ctx context.Context, c storage.Change) error
}
