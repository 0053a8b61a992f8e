package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// code is what an authorization code stands for. It is not stored: the client
// carries it, sealed, and redeeming it is one INSERT of the grant.
type code struct {
	ID                string          `json:"i"` // UUIDv7; unique among grants
	ClientID          string          `json:"c"`
	RedirectURI       string          `json:"r"`
	Challenge         string          `json:"p,omitempty"` // PKCE S256; "" when none was sent
	Nonce             string          `json:"n,omitempty"`
	Scopes            []string        `json:"s,omitempty"` // granted
	Audience          []string        `json:"a,omitempty"`
	Claims            json.RawMessage `json:"q,omitempty"` // the claims parameter
	UserID            string          `json:"u"`
	SessionID         string          `json:"b"`
	CredentialVersion int64           `json:"v"`
	AuthTime          time.Time       `json:"-"`
	IssuedAt          time.Time       `json:"-"`
	AMR               []string        `json:"m,omitempty"`
	ACR               string          `json:"l,omitempty"`
	AuthTimeMicro     int64           `json:"h"`
	IssuedAtMicro     int64           `json:"t"`
}

var (
	errCodeInvalid = errors.New("the code was not issued here")
	errCodeExpired = errors.New("the code has expired")
)

func (p *Provider) sealCode(t *web.Tenant, c *code) (string, error) {
	c.AuthTimeMicro, c.IssuedAtMicro = c.AuthTime.UnixMicro(), c.IssuedAt.UnixMicro()
	plain, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode code: %w", err)
	}
	return p.Secrets.Box(t.ID, secret.AuthorizationCode).SealString(plain), nil
}

// openCode opens what sealCode gave. With errCodeExpired the code comes along, so
// that a late second use can still be found out.
func (p *Provider) openCode(t *web.Tenant, s string, now time.Time) (*code, error) {
	plain, err := p.Secrets.Box(t.ID, secret.AuthorizationCode).OpenString(s)
	if err != nil {
		return nil, errCodeInvalid
	}
	c := &code{}
	if err := json.Unmarshal(plain, c); err != nil {
		return nil, errCodeInvalid
	}
	c.AuthTime, c.IssuedAt = time.UnixMicro(c.AuthTimeMicro).UTC(), time.UnixMicro(c.IssuedAtMicro).UTC()
	if now.Sub(c.IssuedAt) >= p.CodeLifetime || storage.Ahead(c.IssuedAt, now) {
		return c, errCodeExpired
	}
	return c, nil
}
