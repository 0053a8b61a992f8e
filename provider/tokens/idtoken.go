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
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// IDTokenType is the typ of an ID token. Client libraries expect this one or none.
const IDTokenType = "JWT"

// idTokenLifetime returns the client's lifetime or the default, but no more than the time for which
// the signing key stays published.
func (m *Maker) idTokenLifetime(c *storage.Client) time.Duration {
	return min(c.IDTokenLifetime.Or(m.DefaultIDTokenLifetime), m.Keys.Longest)
}

// inIDToken reports whether the ID token contains the claims of the granted scopes, as it does unless the
// client is registered otherwise. OpenID Connect Core section 5.4 puts them into userinfo only, but half of
// all client libraries read the ID token alone.
func inIDToken(c *storage.Client) bool { return c == nil || c.IDTokenClaims == nil || *c.IDTokenClaims }

// IDToken returns the ID token (OpenID Connect Core section 2) of a grant to the subject's client, issued
// together with accessToken.
func (m *Maker) IDToken(t *issuer.Tenant, s *claims.Subject, key *keys.Key, g *storage.Grant, scopes []string,
	nonce, accessToken string, now time.Time,
) (string, error) {
	asked := GrantedClaims(s, g.Claims).IDToken
	all := UserClaims(s, claims.InIDToken, scopes, asked)
	// The claims of the protocol are set last, so that no value of the user's can replace them.
	all["iss"] = t.Issuer
	all["sub"] = s.Names.User(g.UserID)
	all["aud"] = s.Client.ClientID
	all["azp"] = s.Client.ClientID
	all["iat"] = now.Unix()
	all["exp"] = now.Add(m.idTokenLifetime(s.Client)).Unix()
	all["auth_time"] = g.AuthTime.Unix()
	all["at_hash"] = LeftHash(key.Algorithm, accessToken)
	if nonce != "" {
		all["nonce"] = nonce
	}
	if g.SessionID != "" {
		all["sid"] = s.Names.Session(g.SessionID)
	}
	if g.ACR != "" {
		all["acr"] = g.ACR
	}
	if len(g.AMR) > 0 {
		all["amr"] = g.AMR
	}
	if g.ActorID != "" {
		all["act"] = ActorOf(s.Names.User(g.ActorID))
		all["exp"] = min(now.Add(m.idTokenLifetime(s.Client)).Unix(), g.ExpiresAt.Unix())
	}
	plain, err := Encode(all, s, claims.InIDToken, scopes, asked)
	if err != nil {
		return "", err
	}
	return key.Sign(IDTokenType, plain)
}

// LeftHash returns at_hash (OpenID Connect Core section 3.1.3.6): the left half of the hash that
// the signature algorithm uses, which is SHA-512 for Ed25519.
func LeftHash(alg, value string) string {
	if jose.SignatureAlgorithm(alg) == jose.EdDSA {
		sum := sha512.Sum512([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// IDTokenHint is the content of an id_token_hint (OpenID Connect Core section 3.1.2.1, RP-Initiated
// Logout section 2). Subject and SID are ids, whatever the client knows the user by.
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

// Name returns what the hint's user signs in with, or "". The sender of the hint knows it already.
func (h *IDTokenHint) Name() string {
	if h == nil {
		return ""
	}
	return cmp.Or(h.Email, h.Username)
}

// OpenIDTokenHint reads an ID token that the tenant issued. The token may have expired and its key
// may no longer be published, because sessions and refresh tokens live longer. A hint says which
// user is meant, and gives access to nothing. The error wraps jws.ErrInvalid, unless storage could
// not be read.
func (m *Maker) OpenIDTokenHint(ctx context.Context, t *issuer.Tenant, hint string) (*IDTokenHint, error) {
	plain, err := m.Keys.VerifyOld(ctx, t.ID, hint, clients.SigningAlgorithms, IDTokenType)
	if err != nil {
		return nil, err
	}
	h := &IDTokenHint{}
	if err := json.Unmarshal(plain, h); err != nil {
		return nil, fmt.Errorf("%w: %v", jws.ErrInvalid, err)
	}
	// A signed userinfo answer is similar but has no exp, and an access token of typ JWT has a
	// client_id.
	if h.Issuer != t.Issuer || h.Subject == "" || len(h.Audience) == 0 || h.ExpiresAt == 0 || h.ClientID != "" {
		return nil, fmt.Errorf("%w: no ID token of %s", jws.ErrInvalid, t.Issuer)
	}
	if h.Subject, err = m.IDOf(ctx, t, h.Subject); err == nil {
		h.SID, err = m.IDOf(ctx, t, h.SID)
	}
	return h, err
}
