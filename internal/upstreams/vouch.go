package upstreams

import (
	"context"
	"crypto/subtle"
	"net/url"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// Vouch is Caller.Vouch for the provider. Of providers without OpenID Connect, only Facebook says for which app a token
// was made.
func (p *provider) Vouch(ctx context.Context, t upstream.Token) (upstream.Identity, error) {
	ctx, done, err := p.begin(ctx)
	if err != nil {
		return upstream.Identity{}, err
	}
	defer done()
	var id upstream.Identity
	switch {
	case p.Kind.OpenID && t.IDToken != "":
		id, err = p.vouchOpenID(ctx, t)
	case p.Preset == "facebook" && t.AccessToken != "":
		id, err = p.vouchFacebook(ctx, t.AccessToken)
	default:
		return upstream.Identity{}, refused("no token that says for whom it was made")
	}
	if err == nil && !usable(id.Subject) {
		err = refused("no usable subject")
	}
	if err != nil {
		return upstream.Identity{}, err
	}
	if p.DistrustEmail || id.Email == "" {
		id.EmailVerified = false
	}
	return id, nil
}

// vouchOpenID verifies an ID token that an app got from the provider. Its audience must be the tenant's client there,
// or one that the settings name.
func (p *provider) vouchOpenID(ctx context.Context, t upstream.Token) (upstream.Identity, error) {
	found, err := p.caller.found.get(ctx, p.Issuer, p.Kind.Templated)
	if err != nil {
		return upstream.Identity{}, err
	}
	said, err := p.verify(ctx, found, t.IDToken, t.AccessToken, append([]string{p.ClientID}, p.Audiences...))
	if err != nil {
		return upstream.Identity{}, err
	}
	if nonce, _ := said["nonce"].(string); t.Nonce != "" &&
		subtle.ConstantTimeCompare([]byte(nonce), []byte(t.Nonce)) != 1 {
		return upstream.Identity{}, refused("ID token: another nonce")
	}
	id := p.identity(said)
	id.ProvenAt = provenAt(said)
	id.Subject = subjectOf(found, said)
	return id, nil
}

// vouchFacebook asks for which app a token was made before it is used for anything.
func (p *provider) vouchFacebook(ctx context.Context, token string) (upstream.Identity, error) {
	var about struct {
		Data struct {
			AppID  string `json:"app_id"`
			UserID string `json:"user_id"`
			Valid  bool   `json:"is_valid"`
		} `json:"data"`
	}
	q := url.Values{"input_token": {token}}
	if err := p.getJSON(ctx, facebookGraph(p.Issuer)+"/debug_token?"+q.Encode(),
		p.ClientID+"|"+p.Secret, &about); err != nil {
		return upstream.Identity{}, err
	}
	if !about.Data.Valid || about.Data.AppID != p.ClientID {
		return upstream.Identity{}, refused("access token: for another app, or expired")
	}
	id, err := facebookUser(ctx, p, token)
	if err == nil && id.Subject != about.Data.UserID {
		err = refused("access token: of another user")
	}
	return id, err
}
