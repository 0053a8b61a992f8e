package provider

import (
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// session is what a token request carries through fosite's handlers: who asks, where, when,
// and what a grant type's check leaves for its issue. It lives as long as the request
// and is never stored.
type session struct {
	tenant *web.Tenant
	client *storage.Client
	form   url.Values
	now    time.Time // one for the whole request

	code  *tokens.Code        // authorization_code: what was presented
	token tokens.RefreshToken // refresh_token: what was presented
	// scopes are those that the tokens will have; refresh_token: those asked for, or
	// nil for all of the grant's.
	scopes []string
	issued *issued // what came of it
}

// fosite keeps lifetimes, a user name and a subject here for handlers that are not
// used: ours read the grant.

func (s *session) SetExpiresAt(fosite.TokenType, time.Time)     {}
func (s *session) GetExpiresAt(fosite.TokenType) (at time.Time) { return at }
func (s *session) GetUsername() string                          { return "" }
func (s *session) GetSubject() string                           { return "" }

// Clone is for fosite's storage, which is not used either.
func (s *session) Clone() fosite.Session { c := *s; return &c }
