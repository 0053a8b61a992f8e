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

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// APIKeyType is the subject_token_type of API keys.
	APIKeyType = "urn:vouchsafe:token-type:api-key"
	// exchangedLife is how long an access token lives at most that was given for an API key.
	exchangedLife = 5 * time.Minute
)

// isKeyAlone reports whether the form exchanges an API key without client authentication.
func isKeyAlone(r *http.Request, form url.Values) bool {
	return form.Get("grant_type") == clients.ExchangeGrant && form.Get("subject_token_type") == APIKeyType &&
		len(r.Header.Values("Authorization")) == 0 && !form.Has("client_secret") && !form.Has("client_assertion")
}

// exchangeKey gives an access token for an API key (RFC 8693). The key authenticates its owner, and the request names
// no client: a program needs the key and nothing else. With client authentication it is an exchange like any other.
func (s *Server) exchangeKey(w http.ResponseWriter, r *http.Request, form url.Values) error {
	ctx := r.Context()
	web.Note(ctx, "grant_type", clients.ExchangeGrant)
	if err := checkKeyAlone(form); err != nil {
		return err
	}
	proof, presented, err := s.holder(r)
	if err != nil {
		return err
	}
	key, err := oauth.PresentAPIKey(ctx, s.APIKeys, form.Get("subject_token"))
	if errors.Is(err, storage.ErrNotFound) {
		return fosite.ErrInvalidRequest.WithDescription("subject_token is no API key that works: it may have expired, or " +
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
	q := &tokenRequest{tenant: web.TenantOf(ctx), client: tokens.ClientOfKey(key), now: time.Now(), proof: proof,
		presented: presented}
	if err := settleHolder(q); err != nil {
		return err
	}
	answer, err := s.accessFor(ctx, q, key, scopes, slices.Concat(form["resource"], form["audience"]))
	if err != nil {
		return err
	}
	return oauth.WriteJSON(w, http.StatusOK, answer)
}

// checkKeyAlone refuses what needs a client that authenticates.
func checkKeyAlone(form url.Values) error {
	if err := checkExchange(form); err != nil {
		return err
	}
	if form.Has("actor_token") {
		return fosite.ErrInvalidRequest.WithDescription("actor_token needs client authentication.")
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
	subject, err := s.Tokens.SubjectOfKey(ctx, t, c, key)
	if err != nil {
		return exchanged{}, err
	}
	life := min(exchangedLife, s.Tokens.AccessTokenLifetime(t, c, scopes, audience), key.ExpiresAt.Sub(now))
	all := &tokens.AccessClaims{
		Issuer: t.Issuer, Subject: key.OwnerID(), Audience: audience, ClientID: c.ClientID, JTI: rand.Text(), KeyID: key.ID,
		Scope: strings.Join(scopes, " "), IssuedAt: now.Unix(), ExpiresAt: now.Add(life).Unix(),
		Confirmation: q.bound(),
	}
	all.Given = subject.Give(claims.Ask{In: claims.InAccessToken, Scopes: scopes, Audience: audience})
	tokens.NoteTooLarge(ctx, subject)
	if err := s.Proofs.Spend(ctx, q.proof); err != nil {
		return exchanged{}, err
	}
	access, err := s.Tokens.AccessToken(t, c, sign, all)
	return exchanged{access, accessTokenType, all.Confirmation.Type(), int64(all.Lifetime() / time.Second), all.Scope}, err
}
