package command

import (
	"time"

	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/provider"
	"github.com/vouchsafe/vouchsafe/provider/keys"
)

// KeyLifetimes returns how long keys sign and stay published under the configuration.
func KeyLifetimes(cfg *settings.Config) keys.Lifetimes {
	c := provider.Config{
		KeyRotation:         time.Duration(cfg.KeyRotation),
		AccessTokenLifetime: time.Duration(cfg.AccessTokenLifetime),
		IDTokenLifetime:     time.Duration(cfg.IDTokenLifetime),
	}
	return c.KeyLifetimes()
}
