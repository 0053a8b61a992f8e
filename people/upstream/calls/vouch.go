package calls

import (
	"context"
	"crypto/subtle"
	"net/url"
)

// Token is what an app brings from the provider's own kit: an ID token, with Facebook an
// access token.
type Token struct {
	IDToken     string
	AccessToken string
	Nonce       string // that the app asked with, when it did
}

// Vouch says whose token it is. One that was made for another app is refused: whoever runs
// that could sign in here as all its people. It is for the caller to take a token once.
func (p *Provider) Vouch(ctx context.Context, t Token) (Identity, error) {
	ctx, done, err := p.begin(ctx)
	if err != nil {
		return Identity{}, err
	}
	defer done()
	var id Identity
	switch {
	case p.preset.endpoint == nil && t.IDToken != "":
		id, err = p.vouchOpenID(ctx, t)
	case p.Preset == "facebook" && t.AccessToken != "":
		id, err = p.vouchFacebook(ctx, t.AccessToken)
	default:
		return Identity{}, refused("no token that says for whom it was made")
	}
	if err == nil && !usable(id.Subject) {
		err = refused("no usable subject")
	}
	if err != nil {
		return Identity{}, err
	}
	if p.DistrustEmail || id.Email == "" {
		id.EmailVerified = false
	}
	return id, nil
}

func (p *Provider) vouchOpenID(ctx context.Context, t Token) (Identity, error) {
	found, err := p.clients.found.get(ctx, p.Issuer, p.preset.templated)
	if err != nil {
		return Identity{}, err
	}
	said, err := p.verify(ctx, found, t.IDToken, t.AccessToken, append([]string{p.ClientID}, p.Audiences...))
	if err != nil {
		return Identity{}, err
	}
	if nonce, _ := said["nonce"].(string); t.Nonce != "" && subtle.ConstantTimeCompare([]byte(nonce), []byte(t.Nonce)) != 1 {
		return Identity{}, refused("ID token: another nonce")
	}
	id := p.identity(said)
	id.ProvenAt = provenAt(said)
	id.Subject = subjectOf(found, said)
	return id, nil
}

// vouchFacebook asks for which app a token was made before it is used for anything.
func (p *Provider) vouchFacebook(ctx context.Context, token string) (Identity, error) {
	var about struct {
		Data struct {
			AppID  string `json:"app_id"`
			UserID string `json:"user_id"`
			Valid  bool   `json:"is_valid"`
		} `json:"data"`
	}
	q := url.Values{"input_token": {token}}
	if err := p.getJSON(ctx, facebookGraph(p.Issuer)+"/debug_token?"+q.Encode(), p.ClientID+"|"+p.secret, &about); err != nil {
		return Identity{}, err
	}
	if !about.Data.Valid || about.Data.AppID != p.ClientID {
		return Identity{}, refused("access token: for another app, or expired")
	}
	id, err := facebookUser(ctx, p, token)
	if err == nil && id.Subject != about.Data.UserID {
		err = refused("access token: of somebody else")
	}
	return id, err
}
