package token

import (
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// tokenRequest is a token request on its way through fosite, which carries it as a fosite.Session: which
// client asks, where, when, and what the grant type's check leaves for its issue. It lives as long as the
// request and is never stored.
type tokenRequest struct {
	oauth.Unstored
	tenant *issuer.Tenant
	client *storage.Client
	form   url.Values
	now    time.Time // one for the whole request

	code    *tokens.Code        // authorization_code: what was presented
	refresh tokens.RefreshToken // refresh_token: what was presented
	// scopes are those that the tokens will have; refresh_token: those asked for, or nil for all of
	// the grant's.
	scopes []string
}
