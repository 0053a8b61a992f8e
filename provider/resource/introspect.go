package resource

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// introspection is what is said of a token (RFC 7662 section 2.2). Of one that does not
// work, or is none of the caller's business, nothing is said but that.
type introspection struct {
	Active bool `json:"active"`
	// "" for refresh tokens, so that no API takes one for an access token
	TokenType string   `json:"token_type,omitempty"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Username  string   `json:"username,omitempty"` // with the scope profile only
	Issuer    string   `json:"iss,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	JTI       string   `json:"jti,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	ExpiresAt int64    `json:"exp,omitempty"`
	SID       string   `json:"sid,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	// Confirmation says to which key the token is bound (RFC 9449 section 6.2).
	Confirmation *tokens.Confirmation `json:"cnf,omitempty"`
	// Act is who acts in the place of the subject, and MayAct which client may (RFC 8693 sections 4.1 and 4.4).
	Act    *tokens.Actor `json:"act,omitempty"`
	MayAct *tokens.Actor `json:"may_act,omitempty"`
}

// Introspect tells a client whether a token works (RFC 7662): the token's own client, one
// that the token is for, or one that may introspect. The hint is not needed: a token
// says itself what it is.
//
// fosite's NewIntrospectionRequest would take credentials in the Authorization header alone.
func (s *Server) Introspect(w http.ResponseWriter, r *http.Request) error {
	form, err := oauth.PostForm(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	client, err := s.Engine.AuthenticateClient(ctx, r, form)
	if err != nil {
		return err
	}
	web.Note(ctx, "client", client.GetID())
	if !form.Has("token") {
		return fosite.ErrInvalidRequest.WithDescription("token is missing.")
	}
	token := &shownToken{asks: client.(oauth.Client).Client, now: time.Now()}
	use, found, err := s.Engine.IntrospectToken(ctx, form.Get("token"), "", token)
	if errors.Is(err, fosite.ErrInactiveToken) {
		web.Note(ctx, "why", errors.Unwrap(err).Error())
		return s.tell(w, r, token.asks, []byte(`{"active":false}`))
	}
	if err != nil {
		return err
	}
	return s.writeIntrospection(w, r, token.asks, use, found)
}

// introspectionType is the media type of signed answers, without what stands before it (RFC 9701 section 5).
const introspectionType = "token-introspection+jwt"

// tell answers with what is said of a token: signed, if the client asks for that (RFC 9701 section 4).
func (s *Server) tell(w http.ResponseWriter, r *http.Request, asks *storage.Client, said []byte) error {
	if !strings.Contains(r.Header.Get("Accept"), "application/"+introspectionType) {
		return oauth.WriteEncoded(w, http.StatusOK, said)
	}
	ctx, t := r.Context(), web.TenantOf(r.Context())
	plain, err := json.Marshal(struct {
		Issuer   string          `json:"iss"`
		Audience string          `json:"aud"`
		IssuedAt int64           `json:"iat"`
		Said     json.RawMessage `json:"token_introspection"`
	}{t.Issuer, asks.ClientID, time.Now().Unix(), said})
	if err != nil {
		return fmt.Errorf("encode introspection: %w", err)
	}
	alg := cmp.Or(asks.IntrospectionSignedResponseAlg, keys.IDTokenAlgorithm(asks))
	signed, err := s.Keys.Sign(ctx, t.ID, alg, introspectionType, plain)
	if err != nil {
		return err
	}
	return writeJWT(w, "application/"+introspectionType, signed)
}

// writeIntrospection says what is known of a token that works, and for an access token what rules add.
func (s *Server) writeIntrospection(
	w http.ResponseWriter, r *http.Request, asks *storage.Client, use fosite.TokenUse, found fosite.AccessRequester,
) error {
	ctx := r.Context()
	said := describe(web.TenantOf(ctx), use, found)
	var given []claims.Given
	if use == fosite.AccessToken {
		var err error
		if given, err = s.given(ctx, found); err != nil {
			return err
		}
	}
	plain, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("encode introspection: %w", err)
	}
	return s.tell(w, r, asks, claims.Append(plain, given))
}

// given returns what rules add to what is said of an access token. The rules are those of the token's client,
// whichever client asks.
func (s *Server) given(ctx context.Context, found fosite.AccessRequester) (all []claims.Given, err error) {
	token := found.GetSession().(*shownToken)
	if token.key != nil {
		// settleKey has read it
	} else if token.grant.ID == "" {
		err = s.Tokens.ReadClientRoles(ctx, token.subject, token.claims.Subject)
	} else {
		err = s.Tokens.ReadIdentities(ctx, token.subject, token.user.ID)
	}
	if err != nil {
		return nil, err
	}
	ask := claims.Ask{In: claims.InIntrospection, Scopes: found.GetGrantedScopes(), Audience: found.GetGrantedAudience()}
	all = token.subject.Give(ask)
	tokens.NoteTooLarge(ctx, token.subject)
	return all, nil
}

// describe returns what a client is told of a token that works.
func describe(t *issuer.Tenant, use fosite.TokenUse, r fosite.AccessRequester) introspection {
	token := r.GetSession().(*shownToken)
	out := introspection{
		Active: true, Scope: strings.Join(r.GetGrantedScopes(), " "), ClientID: r.GetClient().GetID(), Issuer: t.Issuer,
		Subject: token.GetSubject(), Audience: r.GetGrantedAudience(),
		IssuedAt: r.GetRequestedAt().Unix(), ExpiresAt: token.GetExpiresAt(use).Unix(),
		SID:          token.names.Session(token.grant.SessionID),
		Confirmation: token.bound,
	}
	if c := token.claims; c != nil {
		out.JTI, out.SID, out.AuthTime, out.ACR, out.AMR = c.JTI, c.SID, c.AuthTime, c.ACR, c.AMR
		out.TokenType, out.Confirmation, out.Act = c.Confirmation.Type(), c.Confirmation, c.Act
		out.MayAct = c.MayAct
		if r.GetGrantedScopes().Has("profile") {
			out.Username = token.GetUsername()
		}
	}
	return out
}
