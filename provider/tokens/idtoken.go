package tokens

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// IDTokenType is the typ of an ID token: libraries expect this or none.
const IDTokenType = "JWT"

// idTokenLifetime is the client's or the default, but never longer than the key that
// signs stays published.
func (m *Maker) idTokenLifetime(c *storage.Client) time.Duration {
	return min(c.IDTokenLifetime.Or(m.DefaultIDTokenLifetime), m.Keys.Longest)
}

// idTokenScopes are the scopes whose claims the ID token holds: all that were granted,
// unless the client says otherwise. OIDC Core 5.4 has them at userinfo, but half of all
// client libraries look into the ID token alone.
func idTokenScopes(c *storage.Client, scopes []string) []string {
	if c.IDTokenClaims != nil && !*c.IDTokenClaims {
		return nil
	}
	return scopes
}

// IDToken writes the ID token (OIDC Core 2) of a grant and its user beside an access token.
func (m *Maker) IDToken(t *web.Tenant, c *storage.Client, key *keys.Key, g *storage.Grant, scopes []string, u *storage.User, nonce, accessToken string, now time.Time) (string, error) {
	claims := UserClaims(u, idTokenScopes(c, scopes), GrantedClaims(c, g.Claims).IDToken)
	// What the protocol says comes last: nothing of a person's can replace it.
	claims["iss"] = t.Issuer
	claims["sub"] = g.UserID
	claims["aud"] = c.ClientID
	claims["azp"] = c.ClientID
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(m.idTokenLifetime(c)).Unix()
	claims["auth_time"] = g.AuthTime.Unix()
	claims["at_hash"] = LeftHash(key.Algorithm, accessToken)
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if g.SessionID != "" {
		claims["sid"] = g.SessionID
	}
	if g.ACR != "" {
		claims["acr"] = g.ACR
	}
	if len(g.AMR) > 0 {
		claims["amr"] = g.AMR
	}
	plain, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode ID token: %w", err)
	}
	return key.Sign(IDTokenType, plain)
}

// LeftHash is at_hash (OIDC Core 3.1.3.6): the left half of the hash that the
// signature algorithm uses, which for Ed25519 is SHA-512.
func LeftHash(alg, value string) string {
	if jose.SignatureAlgorithm(alg) == jose.EdDSA {
		sum := sha512.Sum512([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// IDTokenHint is what an id_token_hint says (OIDC Core 3.1.2.1, RP-Initiated Logout 2).
type IDTokenHint struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  oauth.Audiences `json:"aud"`
	SID       string          `json:"sid"`
	IssuedAt  int64           `json:"iat"`
	ExpiresAt int64           `json:"exp"`
	ClientID  string          `json:"client_id"` // of access tokens, which may have the same typ
	Email     string          `json:"email"`
	Username  string          `json:"preferred_username"`
}

// Name is what the hint says its person signs in with, or "". Whoever has the hint knows it.
func (h *IDTokenHint) Name() string {
	if h == nil {
		return ""
	}
	return cmp.Or(h.Email, h.Username)
}

// OpenIDTokenHint reads an ID token that the tenant gave out. It may have expired, and its key
// may be published no more: sessions and refresh tokens live longer. It says who was meant, and
// opens nothing. The error wraps jws.ErrInvalid unless storage was at fault.
func (m *Maker) OpenIDTokenHint(ctx context.Context, t *web.Tenant, hint string) (*IDTokenHint, error) {
	plain, err := m.Keys.VerifyOld(ctx, t.ID, hint, clients.SigningAlgorithms, IDTokenType)
	if err != nil {
		return nil, err
	}
	h := &IDTokenHint{}
	if err := json.Unmarshal(plain, h); err != nil {
		return nil, fmt.Errorf("%w: %v", jws.ErrInvalid, err)
	}
	// A signed userinfo answer looks much the same, but has no exp; an access token of
	// typ JWT has a client_id.
	if h.Issuer != t.Issuer || h.Subject == "" || len(h.Audience) == 0 || h.ExpiresAt == 0 || h.ClientID != "" {
		return nil, fmt.Errorf("%w: no ID token of %s", jws.ErrInvalid, t.Issuer)
	}
	return h, nil
}
