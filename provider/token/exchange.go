package token

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// ExchangeGrant is the grant type by which an API key becomes an access token (RFC 8693 section 2.1).
	ExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	// APIKeyType is the subject_token_type of API keys.
	APIKeyType = "urn:vouchsafe:token-type:api-key"
	// accessTokenType names what the exchange gives (RFC 8693 section 3).
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
	// exchangedLife is how long an access token lives at most that was given for an API key.
	exchangedLife = 5 * time.Minute
)

// exchanged is the answer of the exchange (RFC 8693 section 2.2.1).
type exchanged struct {
	AccessToken     string `json:"access_token"`
	IssuedTokenType string `json:"issued_token_type"`
	TokenType       string `json:"token_type"`
	ExpiresIn       int64  `json:"expires_in"`
	Scope           string `json:"scope,omitempty"`
}

// exchange gives an access token for an API key (RFC 8693). The key authenticates its owner, and the request names no
// client: a program needs the key and nothing else.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request, form url.Values) error {
	ctx := r.Context()
	web.Note(ctx, "grant_type", ExchangeGrant)
	if err := checkExchange(r, form); err != nil {
		return err
	}
	proof, err := s.Proofs.Read(r, "")
	if err != nil {
		return err
	}
	key, err := oauth.PresentAPIKey(ctx, s.APIKeys, form.Get("subject_token"))
	if errors.Is(err, storage.ErrNotFound) {
		return fosite.ErrInvalidGrant.WithDescription("subject_token is no API key that works: it may have expired, or " +
			"was revoked.")
	}
	if err != nil {
		return err
	}
	web.Note(ctx, "client", key.ClientID)
	if id := form.Get("client_id"); id != "" && id != key.ClientID {
		return fosite.ErrInvalidRequest.WithDescription("client_id isn't the owner of the API key. Leave it out.")
	}
	scopes, err := exchangedScopes(key, form.Get("scope"))
	if err != nil {
		return err
	}
	q := &tokenRequest{tenant: web.TenantOf(ctx), client: tokens.ClientOfKey(key), now: time.Now(), proof: proof}
	if err := settleProof(q); err != nil {
		return err
	}
	answer, err := s.accessFor(ctx, q, key, scopes, slices.Concat(form["resource"], form["audience"]))
	if err != nil {
		return err
	}
	return oauth.WriteJSON(w, http.StatusOK, answer)
}

// checkExchange refuses what the exchange does not do.
func checkExchange(r *http.Request, form url.Values) error {
	requested := form.Get("requested_token_type")
	switch {
	case !form.Has("subject_token") || !form.Has("subject_token_type"):
		return fosite.ErrInvalidRequest.WithDescription("subject_token or subject_token_type is missing.")
	case form.Get("subject_token_type") != APIKeyType:
		return fosite.ErrInvalidRequest.WithDescription("subject_token_type has to be " + APIKeyType + ".")
	case form.Has("actor_token") || form.Has("actor_token_type"):
		return fosite.ErrInvalidRequest.WithDescription("actor_token isn't supported.")
	case requested != "" && requested != accessTokenType && requested != "urn:ietf:params:oauth:token-type:jwt":
		return fosite.ErrInvalidRequest.WithDescription("requested_token_type has to be " + accessTokenType + ".")
	case form.Has("resource") && form.Has("audience"):
		return oauth.ErrInvalidTarget.WithDescription("Send resource or audience, not both.")
	case len(r.Header.Values("Authorization")) > 0 || form.Has("client_secret") || form.Has("client_assertion"):
		// Two proofs could name two owners.
		return fosite.ErrInvalidRequest.WithDescription("Send no client authentication: the API key is enough.")
	}
	return nil
}

// exchangedScopes returns the scopes of the token: those that were asked for, or all of the key's.
func exchangedScopes(key *storage.PresentedKey, scope string) ([]string, error) {
	asked := slices.Compact(slices.Sorted(slices.Values(strings.Fields(scope))))
	if len(asked) == 0 {
		return key.Scopes, nil
	}
	for _, s := range asked {
		if !slices.Contains(key.Scopes, s) {
			return nil, fosite.ErrInvalidScope.WithDescription("The API key, or its owner, doesn't have a scope that was " +
				"asked for.")
		}
	}
	return asked, nil
}

// accessFor returns an access token with the scopes for the owner of the key. It names the key: this server refuses it
// as soon as the key is dead, and others at most five minutes later.
func (s *Server) accessFor(ctx context.Context, q *tokenRequest, key *storage.PresentedKey, scopes []string,
	asked []string,
) (exchanged, error) {
	t, c, now := q.tenant, q.client, q.now
	audience, err := tokens.Resources(t, c, asked)
	if err != nil {
		return exchanged{}, err
	}
	if len(audience) > 0 {
		scopes = tokens.ScopesAt(t, audience, scopes)
	}
	audience = tokens.Audience(t, c, audience)
	sign, err := s.Tokens.AccessTokenKey(ctx, t, c)
	if err != nil {
		return exchanged{}, err
	}
	subject, err := s.Tokens.SubjectOfKey(ctx, t, key)
	if err != nil {
		return exchanged{}, err
	}
	life := min(exchangedLife, s.Tokens.AccessTokenLifetime(t, c, scopes, audience), key.ExpiresAt.Sub(now))
	all := &tokens.AccessClaims{
		Issuer: t.Issuer, Subject: key.OwnerID(), Audience: audience, ClientID: c.ClientID, JTI: rand.Text(), KeyID: key.ID,
		Scope: strings.Join(scopes, " "), IssuedAt: now.Unix(), ExpiresAt: now.Add(life).Unix(),
		Confirmation: tokens.BoundTo(q.proof.JKT),
	}
	all.Given = subject.Give(claims.Ask{In: claims.InAccessToken, Scopes: scopes, Audience: audience})
	tokens.NoteTooLarge(ctx, subject)
	if err := s.Proofs.Spend(ctx, q.proof); err != nil {
		return exchanged{}, err
	}
	access, err := s.Tokens.AccessToken(t, c, sign, all)
	return exchanged{access, accessTokenType, all.Confirmation.Type(), int64(all.Lifetime() / time.Second), all.Scope}, err
}
