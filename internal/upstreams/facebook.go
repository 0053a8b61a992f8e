package upstreams

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// facebookVersion is the version of the Graph API. Facebook supports each for about two years.
const facebookVersion = "/v23.0"

// facebookGraph returns where the API is. A stand-in has all at one place.
func facebookGraph(base string) string {
	if base == "https://www.facebook.com" {
		base = "https://graph.facebook.com"
	}
	return base + facebookVersion
}

// facebookEndpoint returns where Facebook is asked: at base, which is Facebook itself or a stand-in for it.
func facebookEndpoint(base string) oauth2.Endpoint {
	return oauth2.Endpoint{AuthURL: base + facebookVersion + "/dialog/oauth",
		TokenURL: facebookGraph(base) + "/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams}
}

// facebookUser asks who the token's owner is. The proof has Facebook refuse tokens that were made
// for another app. Facebook does not say whether the address is the user's.
func facebookUser(ctx context.Context, p *provider, accessToken string) (upstream.Identity, error) {
	proof := hmac.New(sha256.New, []byte(p.Secret))
	proof.Write([]byte(accessToken))
	q := url.Values{
		"fields":          {"id,name,first_name,last_name,email,picture"},
		"appsecret_proof": {hex.EncodeToString(proof.Sum(nil))},
	}
	var said claims
	if err := p.getJSON(ctx, facebookGraph(p.Issuer)+"/me?"+q.Encode(), accessToken, &said); err != nil {
		return upstream.Identity{}, err
	}
	id := upstream.Identity{Subject: said.text("id", 255), Email: said.text(p.claim("email"), 254)}
	id.Profile.Name = said.text("name", 200)
	id.Profile.GivenName, id.Profile.FamilyName = said.text("first_name", 200), said.text("last_name", 200)
	id.Profile.Picture = secureURL(said.text("picture.data.url", 2000))
	return id, nil
}
