package oauth

import (
	"time"

	"github.com/ory/fosite"
)

// Unstored has the methods of a fosite.Session that is never stored. Embed it in what a request carries
// from one of our handlers to the next: fosite hands that on as the request's session. What its own
// handlers would keep in a session (lifetimes, a user name, a subject) ours read from the grant.
type Unstored struct{}

// SetExpiresAt implements fosite.Session.
func (Unstored) SetExpiresAt(fosite.TokenType, time.Time) {}

// GetExpiresAt implements fosite.Session.
func (Unstored) GetExpiresAt(fosite.TokenType) (at time.Time) { return at }

// GetUsername implements fosite.Session.
func (Unstored) GetUsername() string { return "" }

// GetSubject implements fosite.Session.
func (Unstored) GetSubject() string { return "" }

// Clone implements fosite.Session. fosite's storage, which is not used, would call it.
func (u Unstored) Clone() fosite.Session { return u }
