package upstreams

import (
	"context"
	"strconv"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// vkVersion is the version of the API.
const vkVersion = "5.199"

// vkAPI returns where the API is. A stand-in has all at one place.
func vkAPI(base string) string {
	if base == "https://oauth.vk.com" {
		base = "https://api.vk.com"
	}
	return base
}

// vkEndpoint returns where VK is asked: at base, which is VK itself or a stand-in for it.
func vkEndpoint(base string) oauth2.Endpoint {
	return oauth2.Endpoint{AuthURL: base + "/authorize", TokenURL: base + "/access_token",
		AuthStyle: oauth2.AuthStyleInParams}
}

// vkUser asks who the token's owner is. The address comes with the token alone, and VK does not say whether it is the
// user's.
func vkUser(ctx context.Context, p *provider, token *oauth2.Token) (upstream.Identity, error) {
	var said struct {
		Response []struct {
			ID        int64  `json:"id"`
			FirstName string `json:"first_name"`
			LastName  string `json:"last_name"`
			Photo     string `json:"photo_200"`
		} `json:"response"`
	}
	address := vkAPI(p.Issuer) + "/method/users.get?fields=photo_200&v=" + vkVersion
	if err := p.getJSON(ctx, address, token.AccessToken, &said); err != nil {
		return upstream.Identity{}, err
	}
	// Errors come with the status 200, and without a response.
	if len(said.Response) != 1 || said.Response[0].ID < 1 {
		return upstream.Identity{}, refused("not one user")
	}
	u := said.Response[0]
	email, _ := token.Extra("email").(string)
	more := claims{"given_name": u.FirstName, "family_name": u.LastName, "email": email, "picture": u.Photo}
	id := p.identity(more)
	id.EmailVerified = false
	id.Subject = strconv.FormatInt(u.ID, 10)
	return id, nil
}
