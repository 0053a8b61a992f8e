package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestIDToken(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"", "RS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			s := startTokens(t)
			c := s.client(func(c *storage.Client) { c.IDTokenSignedResponseAlg = alg })
			a := s.tokens(c)
			parsed, err := jose.ParseSignedCompact(a.str("id_token"), clients.SigningAlgorithms)
			if err != nil {
				t.Fatal(err)
			}
			want := alg
			if want == "" {
				want = "RS256"
			}
			header := parsed.Signatures[0].Protected
			if header.Algorithm != want || header.KeyID == "" || jws.Type(parsed) != "jwt" {
				t.Errorf("got header %+v, want %s", header, want)
			}
			now := float64(time.Now().Unix())
			claims := payload(t, a.str("id_token"))
			if exp := claims["exp"].(float64); exp < now+3590 || exp > now+3610 {
				t.Errorf("exp: got %v, want in an hour", exp-now)
			}
			if iat := claims["iat"].(float64); iat < now-10 || iat > now {
				t.Errorf("iat: got %v, want now", iat-now)
			}
			delete(claims, "exp")
			delete(claims, "iat")
			half := sha256.Sum256([]byte(a.str("access_token")))
			atHash := half[:16]
			if alg == "EdDSA" {
				half := sha512.Sum512([]byte(a.str("access_token")))
				atHash = half[:32]
			}
			if diff := cmp.Diff(map[string]any{
				"iss": testIssuer, "sub": s.user.ID, "aud": "spa", "azp": "spa", "nonce": "n-0S6", "acr": "1",
				"amr": []any{"pwd"}, "sid": s.session.ID,
				"auth_time": float64(s.session.AuthTime.Unix()), "at_hash": base64.RawURLEncoding.EncodeToString(atHash),
				"name": "Jo Doe", "given_name": "Jo", "family_name": "Doe", "preferred_username": "jo", "locale": "de-CH",
				"updated_at": float64(s.user.UpdatedAt.Unix()),
			}, claims); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// The user's claims are in the ID token where the client or the request wants them.
func TestClaimsOfThePersonInTheIDToken(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	off := false
	c := s.client(func(c *storage.Client) { c.IDTokenClaims = &off })
	a := s.tokens(c, func(k *tokens.Code) {
		k.Claims = []byte(`{"id_token":{"email":{"essential":true},"email_verified":null,"sub":{"value":"x"},` +
			`"iss":{"value":"https://evil"},"nickname":null},"userinfo":{"name":null}}`)
	})
	claims := payload(t, a.str("id_token"))
	if claims["email"] != "jo@example.com" || claims["email_verified"] != true || claims["name"] != nil ||
		claims["sub"] != s.user.ID || claims["iss"] != testIssuer {
		t.Errorf("got %v", claims)
	}
	if _, ok := claims["nickname"]; ok {
		t.Error("nickname is not known, and there all the same")
	}
	claims = payload(t, s.refresh(c, a.str("refresh_token")).str("id_token"))
	if claims["email"] != "jo@example.com" {
		t.Errorf("refreshed: got %v", claims)
	}
	if claims := payload(t, s.tokens(c).str("id_token")); claims["name"] != nil {
		t.Errorf("switched off: got %v, want none of the person's", claims)
	}
	c.IDTokenClaims = nil
	s.put(c)
	a = s.tokens(c)
	claims = payload(t, a.str("id_token"))
	if claims["name"] != "Jo Doe" || claims["locale"] != "de-CH" || claims["email"] != nil {
		t.Errorf("got %v, want those of scope profile", claims)
	}
}

// F5: nothing that a user's record or a request says can replace what the protocol says.
func TestProtocolClaimsCannotBeReplaced(t *testing.T) {
	t.Parallel()
	asked := map[string]*tokens.ClaimRequest{}
	for _, name := range claims.Standard.Protocol() {
		asked[name] = &tokens.ClaimRequest{Value: "evil"}
	}
	u := &storage.User{Username: "sub", Email: "iss", Profile: storage.Profile{Name: "aud"}}
	for name := range tokens.UserClaims(&claims.Subject{User: u}, claims.InIDToken, clients.Scopes, asked) {
		for _, p := range claims.Standard.Protocol() {
			if name == p {
				t.Errorf("%s came from the record", name)
			}
		}
	}
}

// A7, F1, F4: a hint is an ID token of this tenant, expired or not, and nothing else.
func TestIDTokenHint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		a := s.tokens(s.client())
		check := func(hint string) (*tokens.IDTokenHint, error) {
			return s.p.tokens.OpenIDTokenHint(t.Context(), s.tenant, hint)
		}
		time.Sleep(2 * time.Hour) // it has expired
		h, err := check(a.str("id_token"))
		if err != nil {
			t.Fatal(err)
		}
		if h.Subject != s.user.ID || h.SID != s.session.ID || len(h.Audience) != 1 ||
			h.Audience[0] != "spa" || h.ExpiresAt == 0 {
			t.Errorf("got %+v", h)
		}
		if _, err := s.rotate("RS256", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if _, err := check(a.str("id_token")); err != nil {
			t.Errorf("after a rotation: %v", err)
		}
		other := *s.tenant
		other.Issuer = "https://other.example"
		if _, err := s.p.tokens.OpenIDTokenHint(t.Context(), &other, a.str("id_token")); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("another issuer: got %v", err)
		}
		stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		claims := payload(t, a.str("id_token"))
		userinfo, err := s.p.Keys.Sign(t.Context(), s.tenant.ID, "RS256", "JWT",
			[]byte(`{"iss":"`+testIssuer+`","sub":"x","aud":"spa"}`))
		if err != nil {
			t.Fatal(err)
		}
		for name, hint := range map[string]string{
			"access token":  a.str("access_token"),
			"refresh token": a.str("refresh_token"),
			"alg none":      unsigned(`{"alg":"none","typ":"JWT"}`, claims, ""),
			"foreign key": signJWT(t, jose.ES256, stranger, claims,
				map[jose.HeaderKey]any{"typ": "JWT", "kid": s.kidOf(s.p.Keys, "ES256")}),
			"userinfo": userinfo,
			"nothing":  "",
			"noise":    "a.b.c",
		} {
			if _, err := check(hint); !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("%s: got %v, want it refused", name, err)
			}
		}
	})
}
