package upstream

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// skew is how far a provider's clock may be ahead.
	skew = 5 * time.Minute
	// maxAge is how old an ID token may be that has just been made for us.
	maxAge = 10 * time.Minute
)

// openID says who the token's ID token is about.
func (p *Provider) openID(ctx context.Context, r Request, found *discovery, token *oauth2.Token) (Identity, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return Identity{}, refused("no ID token")
	}
	said, err := p.verify(ctx, found, raw, token.AccessToken, []string{p.ClientID})
	if err != nil {
		return Identity{}, err
	}
	if nonce, _ := said["nonce"].(string); r.Nonce == "" || subtle.ConstantTimeCompare([]byte(nonce), []byte(r.Nonce)) != 1 {
		return Identity{}, refused("ID token: another nonce")
	}
	if at, says := said["auth_time"].(float64); r.Fresh && says && time.Unix(int64(at), 0).Before(r.Begun.Add(-skew)) {
		return Identity{}, refused("ID token: a proof from before")
	}
	subject, _ := said["sub"].(string)
	id := p.identity(said)
	if address := found.UserInfoEndpoint(); address != "" && (id.Email == "" || id.Profile.Name == "") {
		var more claims
		if err := p.getJSON(ctx, address, token.AccessToken, &more); err != nil {
			return Identity{}, err
		}
		if sub, _ := more["sub"].(string); sub != subject { // OIDC Core 5.3.2
			return Identity{}, refused("userinfo is about somebody else")
		}
		p.add(&id, more)
	}
	id.Subject = subjectOf(found, said)
	return id, nil
}

// subjectOf is who it is among all of the provider's issuers: a sub is one of its issuer's
// only.
func subjectOf(found *discovery, said claims) string {
	subject, _ := said["sub"].(string)
	if tenant, _ := said["tid"].(string); found.templated() && subject != "" {
		return tenant + "." + subject
	}
	return subject
}

// verify checks an ID token (OIDC Core 3.1.3.7) that is for one of the clients, but for
// its nonce, and gives its claims.
func (p *Provider) verify(ctx context.Context, found *discovery, raw, accessToken string, clients []string) (claims, error) {
	token, err := found.verifier.Verify(ctx, raw)
	if err != nil {
		if ctx.Err() != nil {
			return nil, unreachable(ctx.Err())
		}
		return nil, verifyError(err)
	}
	var said claims
	if err := token.Claims(&said); err != nil {
		return nil, refused("ID token: claims cannot be read")
	}
	iss := token.Issuer
	if !found.matches(iss) && !(p.preset.hosted && found.issuer == "https://accounts.google.com" && iss == "accounts.google.com") {
		return nil, refused("ID token: another issuer")
	}
	if found.templated() {
		tenant, _ := said["tid"].(string)
		if iss != expand(found.issuer, tenant) {
			return nil, refused("ID token: another directory's")
		}
	}
	azp, given := said["azp"]
	party, _ := azp.(string)
	ours := slices.ContainsFunc(token.Audience, func(aud string) bool { return slices.Contains(clients, aud) })
	now := time.Now()
	switch {
	case !ours:
		return nil, refused("ID token: for another client")
	case given && !slices.Contains(clients, party), !given && len(token.Audience) > 1:
		return nil, refused("ID token: for another party")
	case said["iat"] == nil || token.IssuedAt.After(now.Add(skew)) || token.IssuedAt.Before(now.Add(-maxAge)):
		return nil, refused("ID token: not made just now")
	case token.AccessTokenHash != "" && accessToken != "" && token.VerifyAccessToken(accessToken) != nil:
		return nil, refused("ID token: for another access token")
	}
	return said, nil
}

// verifyError tells keys that could not be fetched from a token that is wrong.
func verifyError(err error) error {
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return refused("ID token: expired")
	case strings.Contains(err.Error(), errKeys.Error()): // go-oidc does not wrap it
		return fmt.Errorf("%w: its keys could not be read", ErrUnreachable)
	default:
		return refused("ID token: %.120s", err.Error())
	}
}

// getJSON reads what a provider's API says of the access token's owner.
func (p *Provider) getJSON(ctx context.Context, address, accessToken string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return unreachable(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+accessToken)
	req.Header.Set("User-Agent", "vouchsafe") // GitHub refuses requests without
	resp, err := p.clients.http.Do(req)
	if err != nil {
		return unreachable(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return unreachable(err)
	}
	host := req.URL.Host
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("%w: %s: status %d", ErrUnreachable, host, resp.StatusCode)
	}
	if resp.StatusCode != http.StatusOK {
		return refused("%s: status %d", host, resp.StatusCode)
	}
	if typ, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || typ != "application/json" && typ != "text/javascript" {
		return refused("%s: no JSON", host) // text/javascript: Facebook, of old
	}
	if err := json.Unmarshal(body, into); err != nil {
		return refused("%s: JSON that cannot be read", host)
	}
	return nil
}
