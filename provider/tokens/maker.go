package tokens

import (
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/provider/keys"
)

// Maker makes tokens and codes, and opens those that it made. What differs between tenants and
// clients comes with each call.
type Maker struct {
	Secrets *secret.Masters
	Keys    *keys.Ring
	// AccessTokenAlgorithm is the algorithm that signs JWT access tokens.
	AccessTokenAlgorithm string
	// CodeLifetime is how long a code can be redeemed.
	CodeLifetime time.Duration
	// DefaultAccessTokenLifetime and DefaultIDTokenLifetime apply to clients that are registered
	// without a lifetime.
	DefaultAccessTokenLifetime, DefaultIDTokenLifetime time.Duration
}
