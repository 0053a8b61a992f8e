package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// What a token costs beside what cannot be saved: one bare signature.

func BenchmarkBareES256Signature(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte("x"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ecdsa.SignASN1(rand.Reader, key, sum[:]); err != nil {
			b.Fatal(err)
		}
	}
}

// send is a request through the whole chain, without reading the answer.
func (s *tokenServer) send(b *testing.B, form url.Values, header string) {
	r := httptest.NewRequest("POST", testIssuer+"/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if name, value, ok := strings.Cut(header, ": "); ok {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatalf("got %d %s", w.Code, w.Body)
	}
}

func BenchmarkClientCredentials(b *testing.B) {
	for name, change := range map[string]func(*storage.Client){
		"JWT":    func(*storage.Client) {},
		"opaque": func(c *storage.Client) { c.AccessTokenFormat = "opaque" },
	} {
		b.Run(name, func(b *testing.B) {
			s := startTokens(b)
			_, secret := s.service("svc", change)
			form, header := values("grant_type", "client_credentials", "scope", "api"), basic("svc", secret)
			b.ReportAllocs()
			for b.Loop() {
				s.send(b, form, header)
			}
		})
	}
}

// BenchmarkCode has two ES256 signatures, or an RS256 one, and one INSERT.
func BenchmarkCode(b *testing.B) {
	for _, alg := range []string{"ES256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			s := startTokens(b)
			c := s.client(func(c *storage.Client) { c.IDTokenSignedResponseAlg = alg })
			b.ReportAllocs()
			for b.Loop() {
				s.send(b, values("grant_type", "authorization_code", "client_id", "spa", "code", s.code(c), "redirect_uri",
					testRedirect, "code_verifier", testVerifier), "")
			}
		})
	}
}

// BenchmarkRefresh has two ES256 signatures and one UPDATE. Ten claims of rules in both tokens may cost a tenth
// more.
func BenchmarkRefresh(b *testing.B) {
	for name, rules := range map[string][]storage.ClaimRule{"no rules": nil, "ten claims": tenRules()} {
		b.Run(name, func(b *testing.B) {
			s := startTokens(b)
			c := s.client(func(c *storage.Client) { c.IDTokenSignedResponseAlg, c.Claims = "ES256", rules })
			token, err := s.p.tokens.OpenRefreshToken(s.tenant.ID, s.tokens(c).str("refresh_token"))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.send(b, values("grant_type", "refresh_token", "client_id", "spa", "refresh_token",
					s.p.tokens.RefreshToken(s.tenant.ID, token)), "")
				token.Generation++
			}
		})
	}
}

// tenRules returns rules that give ten claims of several kinds.
func tenRules() (all []storage.ClaimRule) {
	for i, from := range []string{
		"profile.name", "profile.email", "profile.email_verified", "profile.locale", "tenant.id", "client.client_id",
		"profile.given_name", "profile.updated_at", "profile.preferred_username", "",
	} {
		r := everywhere("claim_"+strconv.Itoa(i), from)
		if from == "" {
			r.Value = []byte(`["one","two","three"]`)
		}
		all = append(all, r)
	}
	return all
}
