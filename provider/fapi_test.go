package provider

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

// profiled is a client of the FAPI 2.0 client credentials profile: it authenticates with private_key_jwt and has its
// tokens bound to a key.
type profiled struct {
	*assertions
	holder *prover
}

func startProfiled(s *tokenServer, id string) *profiled {
	s.Helper()
	a := startAssertions(s, id, func(c *storage.Client) {
		c.DPoP, c.TokenEndpointAuthSigningAlg = storage.DPoPRequire, "ES256"
	})
	return &profiled{a, s.proves()}
}

// asks asks for a token with an assertion of these claims and a good proof.
func (p *profiled) asks(claims map[string]any) reply {
	p.Helper()
	return p.holder.posts(values(append([]string{"grant_type", "client_credentials"}, p.form(claims)...)...))
}

// with returns the claims of a good assertion, with what is given in place of its own; nil leaves one out.
func (p *profiled) with(more ...any) map[string]any {
	all := p.claims()
	for i := 0; i < len(more); i += 2 {
		if all[more[i].(string)] = more[i+1]; more[i+1] == nil {
			delete(all, more[i].(string))
		}
	}
	return all
}

// TestTheFAPIClientCredentialsPlan has the modules of the plan for the FAPI 2.0 client credentials profile, each as
// what it demands.
func TestTheFAPIClientCredentialsPlan(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	p := startProfiled(s, "fapi")
	now := time.Now().Unix()
	modules := map[string]func(){
		"discovery": func() {
			said := s.do(request("GET", "/.well-known/openid-configuration", "")).body
			for name, want := range map[string]any{"grant_types_supported": "client_credentials",
				"token_endpoint_auth_methods_supported": "private_key_jwt", "dpop_signing_alg_values_supported": "ES256",
				"token_endpoint_auth_signing_alg_values_supported": "PS256"} {
				if list, _ := said[name].([]any); !slices.Contains(list, want) {
					t.Errorf("got %s %v, want %v among them", name, list, want)
				}
			}
		},
		"happy flow, two clients": func() {
			for _, q := range []*profiled{p, startProfiled(s, "fapi-2")} {
				got := q.asks(q.claims())
				if got.status != http.StatusOK || got.str("token_type") != "DPoP" || got.body["expires_in"] == nil ||
					got.header.Get("Cache-Control") != "no-store" || got.str("refresh_token") != "" {
					t.Fatalf("got %d %s, want a bound token", got.status, got.raw)
				}
				if c := s.access(got); c.Confirmation.Key() != q.holder.jkt || c.Subject != q.client.ClientID {
					t.Errorf("got %+v, want it bound to the key of %s", c, q.client.ClientID)
				}
			}
		},
		"the scheme in another case": func() { p.usesToken("dPoP") },
		"the token needs its key": func() {
			token := p.asks(p.claims()).str("access_token")
			r := request("GET", "/x", "", "Authorization: Bearer "+token).WithContext(s.inTenant().Context())
			if _, err := s.p.Apps().Bearer(r); problemCode(err) != "invalid_token" {
				t.Errorf("as a bearer token: got %v, want invalid_token", err)
			}
		},
		"no proof": func() {
			form := values(append([]string{"grant_type", "client_credentials"}, p.form(p.claims())...)...)
			s.fails(s.post(form), http.StatusBadRequest, "invalid_dpop_proof")
		},
		"a proof that is wrong": func() {
			form := values(append([]string{"grant_type", "client_credentials"}, p.form(p.claims())...)...)
			for _, line := range []string{p.holder.line("htm", "GET"), p.holder.line("htu", testIssuer+"/x"),
				p.holder.line("jti", nil), p.holder.line("iat", now-3600), p.holder.line("iat", now+3600),
				p.holder.line("nbf", now+3600), p.holder.line("exp", now-120)} {
				s.fails(s.post(form, line), http.StatusBadRequest, "invalid_dpop_proof")
			}
		},
		"iat and nbf ten seconds off": func() {
			for _, off := range []int64{-10, 10} {
				form := values(append([]string{"grant_type", "client_credentials"}, p.form(p.claims())...)...)
				got := s.post(form, p.holder.line("iat", now+off, "nbf", now+off, "exp", now+300))
				if got.status != http.StatusOK {
					t.Errorf("%+d: got %d %s, want a token", off, got.status, got.raw)
				}
			}
		},
		"assertion by RS256": func() {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			p.client.JWKS = keySetOf(t, jose.JSONWebKey{Key: p.key.Public(), KeyID: "k1"},
				jose.JSONWebKey{Key: key.Public(), KeyID: "k2"})
			s.put(p.client)
			jwt := signJWT(t, jose.RS256, key, p.claims(), map[jose.HeaderKey]any{"kid": "k2"})
			s.fails(p.holder.posts(values("grant_type", "client_credentials", "client_assertion_type", jwtBearer,
				"client_assertion", jwt)), http.StatusUnauthorized, "invalid_client")
		},
		"assertion expired five minutes ago": func() { p.isRefused(p.with("exp", now-300)) },
		"assertion with another aud":         func() { p.isRefused(p.with("aud", "https://other.example")) },
		"assertion with a list or the token endpoint as aud": func() {
			p.isRefused(p.with("aud", []string{testIssuer}))
			p.isRefused(p.with("aud", testIssuer+"/token"))
		},
		"assertion without sub": func() { p.isRefused(p.with("sub", nil)) },
		"assertion valid in eight seconds": func() {
			if got := p.asks(p.with("nbf", now+8, "iat", now+8)); got.status != http.StatusOK {
				t.Errorf("got %d %s, want a token", got.status, got.raw)
			}
		},
		"assertion valid in a minute": func() { p.isRefused(p.with("nbf", time.Now().Unix()+60)) },
	}
	if len(modules) != 14 {
		t.Errorf("there are %d modules, want 14", len(modules))
	}
	p.asks(p.claims()) // the first nonce
	for name, module := range modules {
		if module(); t.Failed() {
			t.Fatalf("in %s", name)
		}
	}
}

// isRefused asks for a token with an assertion of these claims, and wants it refused.
func (p *profiled) isRefused(claims map[string]any) {
	p.Helper()
	p.fails(p.asks(claims), http.StatusUnauthorized, "invalid_client")
}

// usesToken brings a token by the scheme, with its proof.
func (p *profiled) usesToken(scheme string) {
	p.Helper()
	token := p.asks(p.claims()).str("access_token")
	proof := p.holder.sign(p.holder.claims("GET", "/x", token))
	r := request("GET", "/x", "", "Authorization: "+scheme+" "+token, "DPoP: "+proof)
	if _, err := p.p.Apps().Bearer(r.WithContext(p.inTenant().Context())); err != nil {
		p.Errorf("got %v, want the token taken", err)
	}
}
