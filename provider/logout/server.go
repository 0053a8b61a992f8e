package logout

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Server serves the endpoint that ends sessions.
type Server struct {
	Store    Revoker
	Secrets  *secret.Masters
	Sessions *browser.Sessions
	Clients  *oauth.Clients
	Tokens   *tokens.Maker
	// SignOut and SignedOut are the paths of the page that asks and of the one that says it is done.
	SignOut, SignedOut string
	// LetterLifetime is how long a request to sign out may wait for the user's word.
	LetterLifetime time.Duration
}

// Revoker revokes grants by a change.
type Revoker interface {
	Apply(ctx context.Context, c storage.Change) error
}
