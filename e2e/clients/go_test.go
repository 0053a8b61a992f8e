package clients

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// rp is a web app made with golang.org/x/oauth2 and go-oidc.
type rp struct {
	ctx      context.Context
	provider *oidc.Provider
	config   oauth2.Config
	verifier *oidc.IDTokenVerifier
}

func newRP(t *testing.T, s *vouchsafetest.Server, c vouchsafetest.Client, scopes ...string) *rp {
	t.Helper()
	ctx := oidc.ClientContext(t.Context(), s.HTTP(t))
	provider, err := oidc.NewProvider(ctx, s.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return &rp{
		ctx: ctx, provider: provider,
		config: oauth2.Config{
			ClientID: c.ID(), ClientSecret: c.Secret(), RedirectURL: c.RedirectURI(),
			Endpoint: provider.Endpoint(), Scopes: append([]string{oidc.ScopeOpenID}, scopes...),
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: c.ID()}),
	}
}

// signIn sends the browser to the provider and exchanges the code it comes back with.
func (a *rp) signIn(t *testing.T, b *vouchsafetest.Browser,
	options ...oauth2.AuthCodeOption,
) (*oauth2.Token, *oidc.IDToken) {
	t.Helper()
	state, nonce, pkce := "state-of-this-browser", "nonce-of-this-browser", oauth2.GenerateVerifier()
	target := a.config.AuthCodeURL(state, append(options, oidc.Nonce(nonce), oauth2.S256ChallengeOption(pkce))...)
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	answer := b.Walk(t, &vouchsafetest.Request{Params: u.Query()}, b.Get(t, target))
	if answer.Params.Get("state") != state || answer.Code() == "" {
		t.Fatalf("got %v at %s, want a code", answer.Params, answer.Page.URL)
	}
	tokens, err := a.config.Exchange(a.ctx, answer.Code(), oauth2.VerifierOption(pkce))
	if err != nil {
		t.Fatal(err)
	}
	id := a.verify(t, tokens)
	if id.Nonce != nonce {
		t.Errorf("got nonce %q, want %q", id.Nonce, nonce)
	}
	return tokens, id
}

func (a *rp) verify(t *testing.T, tokens *oauth2.Token) *oidc.IDToken {
	t.Helper()
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		t.Fatal("got no id_token")
	}
	id, err := a.verifier.Verify(a.ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(tokens.AccessToken); err != nil {
			t.Error(err)
		}
	}
	return id
}

func TestGoOIDCSignsInRefreshesAndReadsTheProfile(t *testing.T) {
	for _, c := range []vouchsafetest.Client{vouchsafetest.Strict, vouchsafetest.Post, vouchsafetest.Public,
		vouchsafetest.Opaque, vouchsafetest.Third} {
		t.Run(c.ID(), func(t *testing.T) {
			vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
				app := newRP(t, s, c, "profile", "email", "phone", "address", "offline_access")
				tokens, id := app.signIn(t, s.Browser(t, s.Jo(t)))
				info, err := app.provider.UserInfo(app.ctx, oauth2.StaticTokenSource(tokens))
				if err != nil {
					t.Fatal(err)
				}
				if info.Subject != id.Subject || info.Email != "jo@example.com" || !info.EmailVerified {
					t.Errorf("got %+v, want the person of the ID token with a verified address", info)
				}
				got := map[string]any{}
				if err := info.Claims(&got); err != nil {
					t.Fatal(err)
				}
				want := maps.Clone(vouchsafetest.JoClaims)
				maps.DeleteFunc(got, func(name string, _ any) bool { return want[name] == nil })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the claims of user info (-want +got):\n%s", diff)
				}
				app.refresh(t, tokens, id)
			})
		})
	}
}

// refresh makes the library believe that the access token has expired.
func (a *rp) refresh(t *testing.T, tokens *oauth2.Token, id *oidc.IDToken) {
	t.Helper()
	if tokens.RefreshToken == "" {
		t.Fatal("got no refresh token")
	}
	renewed, err := a.config.TokenSource(a.ctx, &oauth2.Token{RefreshToken: tokens.RefreshToken}).Token()
	if err != nil {
		t.Fatal(err)
	}
	if renewed.AccessToken == tokens.AccessToken {
		t.Error("got the old access token again")
	}
	if again := a.verify(t, renewed); again.Subject != id.Subject {
		t.Errorf("got sub %q after the refresh, want %q", again.Subject, id.Subject)
	}
	if _, err := a.provider.UserInfo(a.ctx, oauth2.StaticTokenSource(renewed)); err != nil {
		t.Errorf("user info with the renewed token: %v", err)
	}
}

func TestGoClientCredentials(t *testing.T) {
	vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, s.HTTP(t))
		for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleAutoDetect} {
			config := clientcredentials.Config{
				ClientID: vouchsafetest.Service.ID(), ClientSecret: vouchsafetest.Service.Secret(),
				TokenURL: s.Issuer + "/token", Scopes: []string{"reports:read"}, AuthStyle: style,
			}
			tokens, err := config.Token(ctx)
			if err != nil {
				t.Fatal(err)
			}
			claims := s.API(t).AccessToken(t, vouchsafetest.Service, tokens.AccessToken)
			if claims.String("scope") != "reports:read" || claims.String("sub") != vouchsafetest.Service.ID() {
				t.Errorf("got scope %q and sub %q, want reports:read and the client itself",
					claims.String("scope"), claims.String("sub"))
			}
		}
	})
}

// An ID token signed with another algorithm is verified as the discovery document says.
func TestGoOIDCVerifiesES256WithClaimsInTheToken(t *testing.T) {
	vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
		app := newRP(t, s, vouchsafetest.Signed, "email", "profile")
		var meta struct {
			Algs []string `json:"id_token_signing_alg_values_supported"`
		}
		if err := app.provider.Claims(&meta); err != nil {
			t.Fatal(err)
		}
		for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
			if !slices.Contains(meta.Algs, alg) {
				t.Errorf("got algorithms %v, want %s among them", meta.Algs, alg)
			}
		}
		app.verifier = app.provider.Verifier(&oidc.Config{ClientID: vouchsafetest.Signed.ID(),
			SupportedSigningAlgs: []string{"ES256"}})
		tokens, id := app.signIn(t, s.Browser(t, s.Jo(t)))
		var claims struct{ Email, Name string }
		if err := id.Claims(&claims); err != nil || claims.Email != "jo@example.com" || claims.Name == "" {
			t.Errorf("got %+v, %v in the ID token, want the claims that the client asked to have there", claims, err)
		}
		// User info comes as a signed JWT, which the library verifies.
		info, err := app.provider.UserInfo(app.ctx, oauth2.StaticTokenSource(tokens))
		if err != nil || info.Email != "jo@example.com" {
			t.Errorf("got %+v, %v from signed user info", info, err)
		}
	})
}

func TestMetadataIsServedAtBothWellKnownPaths(t *testing.T) {
	vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
		api := s.API(t)
		oidcMeta := api.Do(t, api.Request(t, http.MethodGet, "/.well-known/openid-configuration", "", ""))
		oauthMeta := api.Do(t, api.Request(t, http.MethodGet, "/.well-known/oauth-authorization-server", "", ""))
		if diff := cmp.Diff(oidcMeta.Body, oauthMeta.Body); diff != "" || oauthMeta.Status != http.StatusOK {
			t.Errorf("the two documents differ:\n%s", diff)
		}
	})
}
