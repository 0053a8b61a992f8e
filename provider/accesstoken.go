package provider

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// accessClaims are the claims of an access token (RFC 9068 section 2.2).
type accessClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  []string `json:"aud"`
	ClientID  string   `json:"client_id"`
	JTI       string   `json:"jti"`
	GrantID   string   `json:"grant_id,omitempty"` // "" for client_credentials
	Scope     string   `json:"scope,omitempty"`
	IssuedAt  int64    `json:"iat"`
	ExpiresAt int64    `json:"exp"`
	SID       string   `json:"sid,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
}

func (p *Provider) openAccessToken(ctx context.Context, t *web.Tenant, token string, now time.Time) (*accessClaims, error) {
	return nil, nil
}
