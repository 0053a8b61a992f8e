package provider

import (
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/storage"
)

func newFosite(p *Provider) *fosite.Fosite { return nil }

// fositeClient is a client as fosite sees it.
type fositeClient struct{ *storage.Client }

// session is what a token request carries through fosite's handlers.
type session struct {
	Grant storage.Grant
	User  *storage.User
	Nonce string
	Exp   map[fosite.TokenType]time.Time
}
