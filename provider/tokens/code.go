package tokens

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Code is the content of an authorization code. It is not stored: the client carries it, sealed,
// and redeeming it is one INSERT of the grant.
type Code struct {
	ID                string          `json:"i"` // a UUIDv7, unique among grants
	ClientID          string          `json:"c"`
	RedirectURI       string          `json:"r"`
	CodeChallenge     string          `json:"p,omitempty"` // of PKCE with S256; "" if none was sent
	Nonce             string          `json:"n,omitempty"`
	JKT               string          `json:"k,omitempty"` // the thumbprint of the key that it is bound to, or ""
	Scopes            []string        `json:"s,omitempty"` // the granted scopes
	Audience          []string        `json:"a,omitempty"`
	Claims            json.RawMessage `json:"q,omitempty"` // the claims parameter
	UserID            string          `json:"u"`
	SessionID         string          `json:"b"`
	CredentialVersion int64           `json:"v"`
	AuthTime          time.Time       `json:"-"`
	IssuedAt          time.Time       `json:"-"`
	AMR               []string        `json:"m,omitempty"`
	ACR               string          `json:"l,omitempty"`
	// ActorID is the administrator who uses the session in the place of its user, and Until the Unix time at which that
	// ends. Empty for users themselves.
	ActorID       string `json:"x,omitempty"`
	Until         int64  `json:"e,omitempty"`
	AuthTimeMicro int64  `json:"h"`
	IssuedAtMicro int64  `json:"t"`
}

// NameActor adds the administrator who uses the session in the place of its user, if it has one. Nothing that the code
// gives outlives such a session.
func (c *Code) NameActor(sess storage.Session) {
	if sess.Act == nil {
		return
	}
	c.ActorID, c.Until = sess.Act.ActorID, sess.ExpiresAt.Unix()
	c.Scopes = slices.DeleteFunc(slices.Clone(c.Scopes), func(scope string) bool { return scope == "offline_access" })
}

// The errors of OpenCode.
var (
	ErrCodeInvalid = errors.New("the code was not issued here")
	ErrCodeExpired = errors.New("the code has expired")
)

// SealCode returns the code as the client gets it.
func (m *Maker) SealCode(t *issuer.Tenant, c *Code) (string, error) {
	c.AuthTimeMicro, c.IssuedAtMicro = c.AuthTime.UnixMicro(), c.IssuedAt.UnixMicro()
	plain, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode code: %w", err)
	}
	return m.Secrets.Box(t.ID, secret.AuthorizationCode).SealString(plain), nil
}

// OpenCode opens the result of SealCode. It returns ErrCodeInvalid, or ErrCodeExpired together with
// the code, so that a late second use is still detected.
func (m *Maker) OpenCode(t *issuer.Tenant, s string, now time.Time) (*Code, error) {
	plain, err := m.Secrets.Box(t.ID, secret.AuthorizationCode).OpenString(s)
	if err != nil {
		return nil, ErrCodeInvalid
	}
	c := &Code{}
	if err := json.Unmarshal(plain, c); err != nil {
		return nil, ErrCodeInvalid
	}
	c.AuthTime, c.IssuedAt = time.UnixMicro(c.AuthTimeMicro).UTC(), time.UnixMicro(c.IssuedAtMicro).UTC()
	if now.Sub(c.IssuedAt) >= m.CodeLifetime || storage.Ahead(c.IssuedAt, now) {
		return c, ErrCodeExpired
	}
	return c, nil
}
