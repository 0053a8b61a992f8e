package upstreams

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

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

const (
	// skew is how far a provider's clock may be ahead.
	skew = 5 * time.Minute
	// maxAge is how old an ID token may be that has just been made for us.
	maxAge = 10 * time.Minute
)

// openID says who the token's ID token is about.
func (p *provider) openID(ctx context.Context, r upstream.Request, found *discovery,
	token *oauth2.Token,
) (upstream.Identity, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return upstream.Identity{}, refused("no ID token")
	}
	said, err := p.verify(ctx, found, raw, token.AccessToken, []string{p.ClientID})
	if err != nil {
		return upstream.Identity{}, err
	}
	if nonce, _ := said["nonce"].(string); r.Nonce == "" ||
		subtle.ConstantTimeCompare([]byte(nonce), []byte(r.Nonce)) != 1 {
		return upstream.Identity{}, refused("ID token: another nonce")
	}
	id := p.identity(said)
	id.ProvenAt = provenAt(said)
	if r.Fresh && p.Kind.Forces && !id.ProvenAt.IsZero() && id.ProvenAt.Before(r.Begun.Add(-skew)) {
		return upstream.Identity{}, refused("ID token: a proof from before")
	}
	wantsGroups, answered := len(p.Groups) > 0 && !id.GroupsSaid, true
	if address := found.UserInfoEndpoint(); address != "" && (id.Email == "" || id.Profile.Name == "" || wantsGroups) {
		if answered, err = p.askMore(ctx, found, address, token.AccessToken, said, &id); err != nil {
			return upstream.Identity{}, err
		}
	}
	if wantsGroups && !id.GroupsSaid { // no group at all, unless the provider could not say
		id.GroupsSaid = answered && !p.leavesOutGroups(said)
	}
	id.Subject = subjectOf(found, said)
	return id, nil
}

// provenAt is when the user has proven themselves at the provider, as its ID token says.
func provenAt(said claims) time.Time {
	at, ok := said["auth_time"].(float64)
	if !ok || at <= 0 || at > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(at), 0)
}

// askMore fills in what the userinfo endpoint says, and reports whether it answered. An endpoint that does not
// answer is no error: the ID token has proven the user. An answer about another user is an error.
func (p *provider) askMore(ctx context.Context, found *discovery, address, accessToken string, said claims,
	id *upstream.Identity,
) (answered bool, err error) {
	var more claims
	answered = p.getUserinfo(ctx, found, address, accessToken, &more) == nil
	if answered && more.text("sub", 255) != said.text("sub", 255) { // OIDC Core 5.3.2
		return false, refused("userinfo is about another person")
	}
	if answered {
		p.add(id, more)
	}
	return answered, nil
}

// getUserinfo reads userinfo, as JSON or as a JWT that the provider has signed for us (OIDC
// Core 5.3.2).
func (p *provider) getUserinfo(ctx context.Context, found *discovery, address, accessToken string, into *claims) error {
	body, typ, err := p.get(ctx, address, accessToken, "application/json, application/jwt;q=0.9")
	if err != nil {
		return err
	}
	if typ == "application/jwt" {
		if body, err = found.keys.VerifySignature(ctx, string(body)); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return err
	}
	iss, signed := (*into)["iss"].(string)
	if typ == "application/jwt" && (!signed || !found.matches(iss) || !namesUs((*into)["aud"], p.ClientID)) {
		return refused("userinfo: for another client")
	}
	return nil
}

// namesUs reports whether an aud, a text or a list, names the client.
func namesUs(aud any, client string) bool {
	list, ok := aud.([]any)
	return aud == client || ok && slices.Contains(list, any(client))
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
func (p *provider) verify(ctx context.Context, found *discovery, raw, accessToken string,
	clients []string,
) (claims, error) {
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
	if !found.matches(iss) && !(p.Kind.Hosted && found.issuer == "https://accounts.google.com" &&
		iss == "accounts.google.com") {
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
		return fmt.Errorf("%w: its keys could not be read", upstream.ErrUnreachable)
	default:
		return refused("ID token: %.120s", err.Error())
	}
}

// getJSON reads what a provider's API says of the access token's owner.
func (p *provider) getJSON(ctx context.Context, address, accessToken string, into any) error {
	body, typ, err := p.get(ctx, address, accessToken, "application/json")
	if err != nil {
		return err
	}
	if typ != "application/json" && typ != "text/javascript" { // of old, Facebook
		return refused("no JSON")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return refused("JSON that cannot be read")
	}
	return nil
}

// get reads a document of the provider's, and gives its media type.
func (p *provider) get(ctx context.Context, address, accessToken, accept string) (body []byte, typ string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", unreachable(err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Authorization", "Bearer "+accessToken)
	req.Header.Set("User-Agent", "vouchsafe") // GitHub refuses requests without
	resp, err := p.caller.http.Do(req)
	if err != nil {
		return nil, "", unreachable(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		return nil, "", unreachable(err)
	}
	host := req.URL.Host
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		return nil, "", fmt.Errorf("%w: %s: status %d", upstream.ErrUnreachable, host, resp.StatusCode)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, "", refused("%s: status %d", host, resp.StatusCode)
	}
	if typ, _, err = mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil {
		return nil, "", refused("%s: no media type", host)
	}
	return body, typ, nil
}
