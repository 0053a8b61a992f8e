package tenantapp

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// audience is the aud that backend-auth writes into all tokens. Apps may compare it.
const audience = "jincor.com"

// Times in claims are in milliseconds, as backend-auth has them. It adds the seconds of exp to the milliseconds of iat;
// here both are milliseconds.

// TenantClaims are what the token of an app says.
type TenantClaims struct {
	ID       string `json:"id"`    // of the tenant
	Login    string `json:"login"` // "tenant:" and the address
	JTI      string `json:"jti"`   // the session
	IssuedAt int64  `json:"iat"`
	Audience string `json:"aud"`
	IsTenant bool   `json:"isTenant"`
}

// UserClaims are what the token of a user says.
type UserClaims struct {
	ID        string          `json:"id"`
	Login     string          `json:"login"` // the tenant's id, ":" and the user's login
	Scope     json.RawMessage `json:"scope,omitempty"`
	Device    string          `json:"deviceId"`
	JTI       string          `json:"jti"` // the session
	IssuedAt  int64           `json:"iat"`
	Subject   string          `json:"sub"`
	Audience  string          `json:"aud"`
	ExpiresAt int64           `json:"exp"`
}

// header is that of all tokens, as it is encoded. No other is accepted: a token does not say how it is verified
// (RFC 8725 section 3.1).
var header = encoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "."

var encoding = base64.RawURLEncoding.Strict()

// maxToken is the length of the longest token that is read, in bytes.
const maxToken = 32 << 10

// sign returns the token that says the claims (RFC 7515).
func sign(key []byte, claims any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // what apps put into scopes stays as it was
	if err := e.Encode(claims); err != nil {
		return "", err
	}
	signed := header + encoding.EncodeToString(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return signed + "." + signature(key, signed), nil
}

// signature returns the third part of a token.
func signature(key []byte, signed string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(signed))
	return encoding.EncodeToString(mac.Sum(nil))
}

// unverified is a token whose claims are read and not yet believed.
type unverified struct{ signed, signature string }

// read reads the claims of a token. ok is false for a text that is none.
func read(token string, claims any) (u unverified, ok bool) {
	i := strings.LastIndexByte(token, '.')
	if len(token) > maxToken || i < len(header) || !strings.HasPrefix(token, header) {
		return u, false
	}
	payload, err := encoding.DecodeString(token[len(header):i])
	if err != nil || json.Unmarshal(payload, claims) != nil {
		return u, false
	}
	return unverified{token[:i], token[i+1:]}, true
}

// by reports whether one of the keys has signed the token. A signature has one spelling.
func (u unverified) by(keys ...[]byte) bool {
	for _, key := range keys {
		if hmac.Equal([]byte(signature(key, u.signed)), []byte(u.signature)) {
			return true
		}
	}
	return false
}

// isID reports whether the text has the form of the ids that Vouchsafe gives to sessions.
func isID(text string) bool {
	id, err := uuid.Parse(text)
	return err == nil && id.String() == text
}

// userKeys returns the keys that sign the token of a user's session, one for each master secret. A random value of the
// session is in them.
func (s *Service) userKeys(sess storage.Session) [][]byte {
	return s.Secrets.Box(sess.TenantID, secret.AppUserToken).MACs(
		append([]byte(sess.ID+"\x00"), sess.SecretHash...))
}

// millis returns a time as apps have it.
func millis(t time.Time) int64 { return t.UnixMilli() }
