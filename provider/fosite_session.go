package provider

import (
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/storage"
)

// session is what a token request carries through fosite's handlers.
type session struct {
	Grant storage.Grant
	User  *storage.User
	Nonce string
}

func (*session) SetExpiresAt(fosite.TokenType, time.Time)       {}
func (*session) GetExpiresAt(fosite.TokenType) (none time.Time) { return none }
func (*session) GetUsername() string                            { return "" }
func (s *session) GetSubject() string                           { return s.Grant.UserID }
func (s *session) Clone() fosite.Session                        { c := *s; return &c }
