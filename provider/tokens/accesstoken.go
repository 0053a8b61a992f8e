package tokens

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// accessTokenType is the typ of a JWT access token (RFC 9068 section 2.1). ID tokens, and
// everything else that the tenant's keys sign, have another.
const accessTokenType = "at+jwt"

// accessTokenTypes are the types that an access token may have. Some clients are registered for typ
// JWT. Their access tokens differ from ID tokens by client_id and jti, which ID tokens do not have.
const accessTokenTypes = accessTokenType + " " + IDTokenType

// opaquePrefix begins an access token that only Vouchsafe can read. Scanners for leaked secrets
// recognise it.
const opaquePrefix = "vat_"

// AccessClaims are the claims of an access token (RFC 9068 section 2.2). Their names are reserved, so
// that no rule can replace one of them.
type AccessClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	ClientID string   `json:"client_id"`
	JTI      string   `json:"jti"`
	// GrantID is "" for client_credentials and API keys, and KeyID the API key that it was given for. A token that was
	// exchanged has neither: its grant_id is its sealed Origin, from which OpenAccessToken fills in both.
	GrantID   string   `json:"grant_id,omitempty"`
	KeyID     string   `json:"key_id,omitempty"`
	Scope     string   `json:"scope,omitempty"`
	IssuedAt  int64    `json:"iat"`
	ExpiresAt int64    `json:"exp"`
	SID       string   `json:"sid,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	Act       *Actor   `json:"act,omitempty"`
	MayAct    *Actor   `json:"may_act,omitempty"`
	// Confirmation says to which key the token is bound; nil for a bearer token.
	Confirmation *Confirmation `json:"cnf,omitempty"`
	// Given is what rules add. It is not read from a token.
	Given []claims.Given `json:"-"`
	// Origin is what a token rests on that was exchanged; nil for all others.
	Origin *Origin `json:"-"`
}

// Confirmation is the value of the claim cnf (RFC 7800): the thumbprints of what has to prove that its holder uses the
// token.
type Confirmation struct {
	JKT string `json:"jkt,omitempty"`      // of a key, which signs proofs (RFC 9449 section 6)
	X5T string `json:"x5t#S256,omitempty"` // of a certificate, which is presented in TLS (RFC 8705 section 3.1)
}

// BoundTo returns the claim cnf for the thumbprints of a key and of a certificate, "" for none; nil without either.
func BoundTo(jkt, x5t string) *Confirmation {
	if jkt == "" && x5t == "" {
		return nil
	}
	return &Confirmation{jkt, x5t}
}

// Key returns the thumbprint of the key, or "" for none.
func (c *Confirmation) Key() string {
	if c == nil {
		return ""
	}
	return c.JKT
}

// Certificate returns the thumbprint of the certificate, or "" for none.
func (c *Confirmation) Certificate() string {
	if c == nil {
		return ""
	}
	return c.X5T
}

// Type returns the token_type of the tokens that c binds (RFC 9449 section 5): tokens that are bound to a certificate
// alone are sent as bearer tokens (RFC 8705 section 3).
func (c *Confirmation) Type() string {
	if c.Key() == "" {
		return "Bearer"
	}
	return "DPoP"
}

// Lifetime returns the value of expires_in.
func (a *AccessClaims) Lifetime() time.Duration {
	return time.Duration(a.ExpiresAt-a.IssuedAt) * time.Second
}

// GrantClaims returns the claims of an access token of a grant to the subject's client, with these scopes and this
// audience.
func (m *Maker) GrantClaims(t *issuer.Tenant, s *claims.Subject, g *storage.Grant, scopes, audience []string,
	now time.Time,
) *AccessClaims {
	c := s.Client
	expires := now.Add(m.AccessTokenLifetime(t, c, scopes, audience))
	if g.ExpiresAt.Before(expires) {
		expires = g.ExpiresAt // a token must not outlive its grant
	}
	all := &AccessClaims{
		Issuer: t.Issuer, Subject: s.Names.User(g.UserID), Audience: audience, ClientID: c.ClientID,
		JTI: rand.Text(), GrantID: g.ID, Scope: strings.Join(scopes, " "),
		IssuedAt: now.Unix(), ExpiresAt: expires.Unix(),
		SID: s.Names.Session(g.SessionID), ACR: g.ACR, AMR: g.AMR, Act: ActorOf(s.Names.User(g.ActorID)),
		MayAct: MayActOf(c),
	}
	all.Given = s.Give(claims.Ask{In: claims.InAccessToken, Scopes: scopes, Audience: all.Audience})
	if !g.AuthTime.IsZero() {
		all.AuthTime = g.AuthTime.Unix()
	}
	return all
}

// Audience returns the audience that was asked for or, without one, the client's registered
// audience or the issuer, whose userinfo endpoint the token is then for.
func Audience(t *issuer.Tenant, c *storage.Client, asked []string) []string {
	switch {
	case len(asked) > 0:
		return asked
	case len(c.Audience) > 0:
		return c.Audience
	}
	return []string{t.Issuer}
}

// AccessToken returns the token. Its format is that of the client, or of the APIs that it is for. key is what
// AccessTokenKey returned.
func (m *Maker) AccessToken(t *issuer.Tenant, c *storage.Client, key *keys.Key, all *AccessClaims) (string, error) {
	sealed, err := m.sealOrigin(t, all)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(sealed)
	if err != nil {
		return "", fmt.Errorf("encode access token: %w", err)
	}
	plain = claims.Append(plain, all.Given)
	if IsOpaque(t, c, strings.Fields(all.Scope), all.Audience) {
		return opaquePrefix + m.Secrets.Box(t.ID, secret.AccessToken).SealString(plain), nil
	}
	if c.AccessTokenTyp == IDTokenType {
		return key.Sign(IDTokenType, plain)
	}
	return key.Sign(accessTokenType, plain)
}

// OpenAccessToken reads an access token of the tenant in either format. It checks that the token
// was made here for this issuer, and that it has not expired. It does not look up whether the grant
// is alive or the token revoked. The error wraps jws.ErrInvalid, unless storage could not be read.
func (m *Maker) OpenAccessToken(ctx context.Context, t *issuer.Tenant, token string,
	now time.Time,
) (*AccessClaims, error) {
	plain, err := m.openEither(ctx, t, token)
	if err != nil {
		return nil, err
	}
	read := &AccessClaims{}
	if err := json.Unmarshal(plain, read); err != nil {
		return nil, fmt.Errorf("%w: %v", jws.ErrInvalid, err)
	}
	switch {
	case read.Issuer != t.Issuer:
		return nil, fmt.Errorf("%w: iss %q", jws.ErrInvalid, read.Issuer)
	case read.JTI == "" || read.ClientID == "" || read.Subject == "":
		return nil, fmt.Errorf("%w: claims are missing", jws.ErrInvalid)
	case storage.Ahead(time.Unix(read.IssuedAt, 0), now):
		return nil, fmt.Errorf("%w: it was issued while a clock was ahead", jws.ErrInvalid)
	case now.Unix() >= read.ExpiresAt:
		return nil, fmt.Errorf("%w: it has expired", jws.ErrInvalid)
	case read.Act.ID() != "" && !t.Settings.SignInAs.Enabled:
		return nil, fmt.Errorf("%w: administrators don't sign in as users any more", jws.ErrInvalid)
	}
	return read, m.openOrigin(t, read)
}

// openEither returns the claims of a token in either format.
func (m *Maker) openEither(ctx context.Context, t *issuer.Tenant, token string) ([]byte, error) {
	sealed, opaque := strings.CutPrefix(token, opaquePrefix)
	if !opaque {
		return m.Keys.Verify(ctx, t.ID, token, clients.SigningAlgorithms, accessTokenTypes)
	}
	if len(token) > jws.MaxLength {
		return nil, fmt.Errorf("%w: %d bytes are too many", jws.ErrInvalid, len(token))
	}
	plain, err := m.Secrets.Box(t.ID, secret.AccessToken).OpenString(sealed)
	if err != nil {
		return nil, errors.Join(jws.ErrInvalid, err)
	}
	return plain, nil
}
