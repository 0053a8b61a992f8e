package upstreams

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// discordEndpoint returns where Discord is asked: at base, which is Discord itself or a stand-in for it.
func discordEndpoint(base string) oauth2.Endpoint {
	return oauth2.Endpoint{AuthURL: base + "/oauth2/authorize", TokenURL: base + "/api/oauth2/token",
		AuthStyle: oauth2.AuthStyleInParams}
}

// discordUser asks who the token's owner is.
func discordUser(ctx context.Context, p *provider, accessToken string) (upstream.Identity, error) {
	var user struct {
		ID         string `json:"id"`
		Username   string `json:"username"`
		GlobalName string `json:"global_name"`
		Avatar     string `json:"avatar"`
		Email      string `json:"email"`
		Verified   bool   `json:"verified"`
		Locale     string `json:"locale"`
	}
	if err := p.getJSON(ctx, p.Issuer+"/api/users/@me", accessToken, &user); err != nil {
		return upstream.Identity{}, err
	}
	said := claims{"name": user.GlobalName, "nickname": user.Username, "email": user.Email,
		"email_verified": user.Verified, "locale": user.Locale}
	if user.Avatar != "" {
		said["picture"] = "https://cdn.discordapp.com/avatars/" + user.ID + "/" + user.Avatar + ".png"
	}
	id := p.identity(said)
	id.Subject = user.ID
	return id, nil
}
