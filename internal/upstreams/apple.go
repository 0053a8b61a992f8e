package upstreams

import (
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// appleSecret returns the assertion that Apple takes for a client secret for the next minutes.
func appleSecret(p *provider, now time.Time) (string, error) {
	key, err := upstream.ReadAppleKey(p.Secret)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256,
		Key: jose.JSONWebKey{Key: key, KeyID: p.KeyID}}, nil)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: p.TeamID, Subject: p.ClientID, Audience: jwt.Audience{p.Issuer},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).Serialize()
}

// appleUser takes the name, which Apple sends once and beside the signed answer. Only a name to show
// is read from it: the browser could have changed it.
func appleUser(id *upstream.Identity, a upstream.Answer) {
	var user struct {
		Name struct {
			First string `json:"firstName"`
			Last  string `json:"lastName"`
		} `json:"name"`
	}
	if len(a.User) > 4096 || json.Unmarshal([]byte(a.User), &user) != nil {
		return
	}
	said := claims{"given": user.Name.First, "family": user.Name.Last}
	id.Profile.GivenName, id.Profile.FamilyName = said.text("given", 100), said.text("family", 100)
	fullName(&id.Profile)
}
