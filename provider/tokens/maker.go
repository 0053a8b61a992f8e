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
	// AccessTokenAlgorithm signs JWT access tokens.
	AccessTokenAlgorithm string
	// CodeLifetime bounds the time from consent to the token endpoint.
	CodeLifetime time.Duration
	// DefaultAccessTokenLifetime and DefaultIDTokenLifetime are for clients that say nothing.
	DefaultAccessTokenLifetime, DefaultIDTokenLifetime time.Duration
}
