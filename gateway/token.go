package gateway

import (
	"crypto/rand"
	"encoding/json"
	"time"
)

const (
	// identityType is the typ of identity tokens. No other token that the tenant's keys sign has it.
	identityType = "vouchsafe-identity+jwt"
	// identityAlgorithm signs them: every tenant has a key for it.
	identityAlgorithm = "ES256"
	// identityLife is how long an identity token is valid.
	identityLife = time.Minute
)

// identityClaims are what an identity token says. The times and the id of the token follow.
type identityClaims struct {
	Issuer   string   `json:"iss"`
	Audience string   `json:"aud"`
	Subject  string   `json:"sub"`
	Client   string   `json:"client_id,omitempty"`
	SID      string   `json:"sid,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	Act      *actor   `json:"act,omitempty"`
	Email    string   `json:"email,omitempty"`
	Name     string   `json:"name,omitempty"`
	Username string   `json:"preferred_username,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	Scope    string   `json:"scope,omitempty"`
}

// actor is the claim act (RFC 8693 section 4.1).
type actor struct {
	Subject string `json:"sub"`
}

// identity returns a token that tells the app who asks, signed with a key of the tenant. What the token says beside
// its own time is what other headers of the rule say.
func (x *exchange) identity() (string, error) {
	who, rule := x.who, x.rule
	c := identityClaims{
		Issuer: x.t.Issuer, Audience: x.audience(), Client: who.client, SID: who.sid, ACR: who.acr, AMR: who.amr,
	}
	c.Subject = who.client
	if who.user != nil {
		c.Subject = who.subject
	}
	if !who.authTime.IsZero() {
		c.AuthTime = who.authTime.Unix()
	}
	if who.actor != "" {
		c.Act = &actor{who.actor}
	}
	if rule.Tells("email") {
		c.Email = who.tells("email")
	}
	if rule.Tells("name") {
		c.Name = who.tells("name")
	}
	if rule.Tells("username") {
		c.Username = who.tells("username")
	}
	if rule.Tells("groups") {
		c.Groups = who.belonging.Groups
	}
	if rule.Tells("roles") {
		c.Roles = who.roles()
	}
	if rule.Tells("scope") {
		c.Scope = who.tells("scope")
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	now := time.Now()
	key := x.t.ID + "\x00" + string(body)
	if token, ok := x.s.tokens.find(key, now); ok {
		return token, nil
	}
	times, err := json.Marshal(struct {
		IssuedAt  int64  `json:"iat"`
		ExpiresAt int64  `json:"exp"`
		JTI       string `json:"jti"`
	}{now.Unix(), now.Add(identityLife).Unix(), rand.Text()})
	if err != nil {
		return "", err
	}
	all := append(append(body[:len(body)-1:len(body)-1], ','), times[1:]...)
	token, err := x.s.Keys.Sign(x.r.Context(), x.t.ID, identityAlgorithm, identityType, all)
	if err == nil {
		x.s.tokens.keep(key, token, now)
	}
	return token, err
}

// audience returns the aud of the identity token.
func (x *exchange) audience() string {
	if x.rule.IdentityAudience != "" {
		return x.rule.IdentityAudience
	}
	origin, _ := x.origin()
	return origin
}
