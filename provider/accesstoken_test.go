package provider

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// RFC 9068 sections 2.1 and 2.2.
func TestAccessToken(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			s := startTokens(t, func(c *Config) { c.AccessTokenAlgorithm = alg })
			a := s.tokens(s.client())
			raw, err := base64.RawURLEncoding.DecodeString(strings.Split(a.str("access_token"), ".")[0])
			if err != nil {
				t.Fatal(err)
			}
			var header map[string]any
			if err := json.Unmarshal(raw, &header); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]any{"alg": alg, "typ": "at+jwt", "kid": s.kidOf(s.p.Keys, alg)}, header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			claims := payload(t, a.str("access_token"))
			if claims["exp"].(float64) != claims["iat"].(float64)+600 || len(claims["jti"].(string)) < 22 ||
				claims["grant_id"] == "" {
				t.Errorf("got %v", claims)
			}
			for _, name := range []string{"exp", "iat", "jti", "grant_id"} {
				delete(claims, name)
			}
			if diff := cmp.Diff(map[string]any{
				"iss": testIssuer, "sub": s.user.ID, "aud": []any{testIssuer}, "client_id": "spa",
				"scope": "openid profile offline_access api",
				"sid":   s.session.ID, "auth_time": float64(s.session.AuthTime.Unix()), "acr": "1", "amr": []any{"pwd"},
			}, claims); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpaqueAccessToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c := s.client(func(c *storage.Client) {
			c.AccessTokenFormat = "opaque"
			c.Audience = []string{"https://api.example.com", "https://other.example.com"}
		})
		a := s.tokens(c)
		token := a.str("access_token")
		if !strings.HasPrefix(token, "vat_") || strings.Contains(token, ".") {
			t.Fatalf("got %q, want nothing to read", token)
		}
		claims := s.access(a)
		if claims.Subject != s.user.ID || !cmp.Equal(claims.Audience, c.Audience) {
			t.Errorf("got %+v", claims)
		}
		if claims := payload(t, a.str("id_token")); claims["at_hash"] != tokens.LeftHash("RS256", token) {
			t.Errorf("at_hash: got %v", claims["at_hash"])
		}
		for _, bad := range []string{token + "A", token[:len(token)-1], token[:9] + "\n" + token[9:], token + "=", "vat_",
			token[4:], strings.ToUpper(token), "vat_" + strings.Repeat("A", 20_000), "vat_" + s.code(c)} {
			if _, err := s.p.tokens.OpenAccessToken(t.Context(), s.tenant, bad, time.Now()); !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("%.40q: got %v, want an invalid token", bad, err)
			}
		}
		time.Sleep(10 * time.Minute)
		if _, err := s.p.tokens.OpenAccessToken(t.Context(), s.tenant, token, time.Now()); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("after its time: got %v", err)
		}
	})
}

// F4, N3: no kind of token is another, no tenant's is another's, and time ends each.
func TestTokensAreOfOneKindAndTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c := s.client()
		a := s.tokens(c)
		open := func(tenant *issuer.Tenant, token string) error {
			_, err := s.p.tokens.OpenAccessToken(t.Context(), tenant, token, time.Now())
			return err
		}
		if err := open(s.tenant, a.str("access_token")); err != nil {
			t.Fatal(err)
		}
		for name, token := range map[string]string{"ID token": a.str("id_token"),
			"refresh token": a.str("refresh_token"), "code": s.code(c)} {
			if err := open(s.tenant, token); !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("%s: got %v, want an invalid token", name, err)
			}
		}
		for name, token := range map[string]string{"ID token": a.str("id_token"),
			"access token": a.str("access_token"), "code": s.code(c)} {
			if a := s.refresh(c, token); a.str("error") != "invalid_grant" {
				t.Errorf("%s as a refresh token: got %d %s", name, a.status, a.raw)
			}
			if name != "code" {
				if a := s.redeem(c, token); a.str("error") != "invalid_grant" {
					t.Errorf("%s as a code: got %d %s", name, a.status, a.raw)
				}
			}
		}
		moved := *s.tenant // the same keys, another issuer
		moved.Issuer = "https://moved.example"
		other := *s.tenant
		other.ID = "other"
		for _, tenant := range []*issuer.Tenant{&moved, &other} {
			if err := open(tenant, a.str("access_token")); !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("at %s, %s: got %v, want an invalid token", tenant.ID, tenant.Issuer, err)
			}
		}
		time.Sleep(10*time.Minute - time.Second)
		if err := open(s.tenant, a.str("access_token")); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		time.Sleep(time.Second)
		if err := open(s.tenant, a.str("access_token")); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("at its end: got %v, want an invalid token", err)
		}
	})
}

// Some resource servers know no typ but JWT. A client may have its access tokens so; then
// the claims tell them from ID tokens, and neither passes for the other.
func TestAccessTokensOfTypJWT(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) { c.AccessTokenTyp = "JWT" })
	a := s.tokens(c)
	if typ := typOf(t, a.str("access_token")); typ != "JWT" {
		t.Errorf("got typ %v, want JWT", typ)
	}
	userinfo := func(token string) reply {
		r := httptest.NewRequest("GET", testIssuer+"/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		return s.do(r)
	}
	if got := userinfo(a.str("access_token")); got.status != http.StatusOK || got.str("sub") != s.user.ID {
		t.Errorf("userinfo: got %d %s", got.status, got.raw)
	}
	if got := userinfo(a.str("id_token")); got.status != http.StatusUnauthorized || got.str("error") != "invalid_token" {
		t.Errorf("userinfo with the ID token: got %d %s, want 401 invalid_token", got.status, got.raw)
	}
	if _, err := s.p.tokens.OpenIDTokenHint(t.Context(), s.tenant,
		a.str("access_token")); !errors.Is(err, jws.ErrInvalid) {
		t.Errorf("as id_token_hint: got %v, want it refused", err)
	}
	_, secret := s.service("svc", func(c *storage.Client) { c.MayIntrospect, c.AccessTokenTyp = true, "JWT" })
	own := ask(s, basic("svc", secret)).str("access_token")
	if typ := typOf(t, own); typ != "JWT" {
		t.Errorf("a client's own: got typ %v, want JWT", typ)
	}
	for token, want := range map[string]bool{a.str("access_token"): true, own: true, a.str("id_token"): false} {
		r := httptest.NewRequest("POST", testIssuer+"/introspect", strings.NewReader(values("token", token).Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", strings.TrimPrefix(basic("svc", secret), "Authorization: "))
		if got := s.do(r); got.body["active"] != want {
			t.Errorf("introspection: got %s, want active %v", got.raw, want)
		}
	}
}

// typOf is the typ in the header of a JWT.
func typOf(t testing.TB, token string) any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]any
	if err := json.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	return header["typ"]
}
