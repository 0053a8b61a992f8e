package calls

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const appleIssuer = "https://appleid.apple.com"

// appleSecret is the assertion that Apple takes for a client secret, for the next minutes.
func appleSecret(p *Provider, now time.Time) (string, error) {
	key, err := appleKey(p.secret)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: p.KeyID}}, nil)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: p.TeamID, Subject: p.ClientID, Audience: jwt.Audience{p.Issuer},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).Serialize()
}

// appleKey reads the file that Apple gives out. Its errors do not quote it.
func appleKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("apple: the client secret is no PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if ec, ok := key.(*ecdsa.PrivateKey); err == nil && ok && ec.Curve.Params().BitSize == 256 {
		return ec, nil
	}
	return nil, errors.New("apple: the client secret is no P-256 key in PKCS #8")
}

// appleUser takes the name, which Apple sends once and beside the signed answer. Nothing
// but a name to show is read from it: the browser could have changed it.
func appleUser(id *Identity, a Answer) {
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
