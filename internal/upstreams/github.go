package upstreams

import (
	"context"
	"errors"
	"strconv"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// gitHubEndpoint returns where GitHub is asked: at base, which is github.com or an Enterprise Server.
func gitHubEndpoint(base string) oauth2.Endpoint {
	return oauth2.Endpoint{AuthURL: base + "/login/oauth/authorize", TokenURL: base + "/login/oauth/access_token",
		AuthStyle: oauth2.AuthStyleInParams}
}

// gitHubUser asks who the token's owner is. The address in a profile is for show: that of
// the account is the primary one of a list of its own.
func gitHubUser(ctx context.Context, p *provider, accessToken string) (upstream.Identity, error) {
	api := p.Issuer + "/api/v3" // an Enterprise Server
	if p.Issuer == "https://github.com" {
		api = "https://api.github.com"
	}
	var user struct {
		ID        int64  `json:"id"`
		Login     string `json:"login"`
		Name      string `json:"name"`
		AvatarURL string `json:"avatar_url"`
		HTMLURL   string `json:"html_url"`
	}
	if err := p.getJSON(ctx, api+"/user", accessToken, &user); err != nil {
		return upstream.Identity{}, err
	}
	if user.ID <= 0 {
		return upstream.Identity{}, refused("no usable subject")
	}
	var emails []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	// A GitHub App without the right to read addresses is answered 403 or 404: the user is
	// asked for theirs then.
	if err := p.getJSON(ctx, api+"/user/emails", accessToken, &emails); err != nil &&
		!errors.Is(err, upstream.ErrRefused) {
		return upstream.Identity{}, err
	}
	id := p.identity(claims{"name": user.Name, "nickname": user.Login, "picture": user.AvatarURL, "profile": user.HTMLURL})
	id.Subject = strconv.FormatInt(user.ID, 10)
	for _, e := range emails {
		if e.Primary {
			id.Email, id.EmailVerified = claims{"email": e.Email}.text("email", 254), e.Verified
		}
	}
	return id, nil
}
