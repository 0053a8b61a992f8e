package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// LogoutTokenType is the typ of a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
	LogoutTokenType = "logout+jwt"
	// logoutTokenLifetime is as long as the specification recommends at most.
	logoutTokenLifetime = 2 * time.Minute
	// logoutEvent is the member of events that makes a security event token a logout token.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// logoutToken has the claims of a logout token. It never has a nonce: with one it could pass for an ID token.
type logoutToken struct {
	Issuer    string              `json:"iss"`
	Subject   string              `json:"sub"`
	Audience  string              `json:"aud"`
	IssuedAt  int64               `json:"iat"`
	ExpiresAt int64               `json:"exp"`
	JTI       string              `json:"jti"`
	Events    map[string]struct{} `json:"events"`
	SID       string              `json:"sid"`
}

// LogoutToken returns the token that tells a client that a session has ended. It is signed as the client's ID tokens
// are, and names the user and the session as these do. Its jti is the same whenever the client is told of this
// session.
func (m *Maker) LogoutToken(ctx context.Context, t *issuer.Tenant, c *storage.Client, l storage.Logout, now time.Time) (
	string, error,
) {
	names, err := m.Names(ctx, c)
	if err != nil {
		return "", err
	}
	sid := names.Session(l.SessionID)
	// The name that the client knows the session by, and not the id: clients of two sectors could compare that.
	jti := sha256.Sum256([]byte("logout\x00" + c.ClientID + "\x00" + sid))
	claims, err := json.Marshal(logoutToken{
		Issuer: t.Issuer, Subject: names.User(l.UserID), Audience: c.ClientID, IssuedAt: now.Unix(),
		ExpiresAt: now.Add(logoutTokenLifetime).Unix(), JTI: base64.RawURLEncoding.EncodeToString(jti[:18]),
		Events: map[string]struct{}{logoutEvent: {}}, SID: sid,
	})
	if err != nil {
		return "", err
	}
	return m.Keys.Sign(ctx, t.ID, keys.IDTokenAlgorithm(c), LogoutTokenType, claims)
}
