package clients

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/testkeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

func webClient(change func(*storage.Client)) *storage.Client {
	c := &storage.Client{ClientID: "app", RedirectURIs: []string{"https://app.example.com/cb"}}
	if change != nil {
		change(c)
	}
	return c
}

func TestDefaultsAreThoseOfTheStandards(t *testing.T) {
	t.Parallel()
	c := webClient(nil)
	if faults := Validate(c); len(faults) > 0 {
		t.Fatalf("got %v, want none", faults)
	}
	want := webClient(func(c *storage.Client) {
		c.ApplicationType = "web"
		c.GrantTypes = []string{"authorization_code"}
		c.ResponseTypes = []string{"code"}
		c.Scope = "openid profile email address phone offline_access"
		c.AccessTokenFormat = "jwt"
		c.IDTokenSignedResponseAlg = "RS256"
	})
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	again := *c
	Validate(&again)
	if diff := cmp.Diff(c, &again); diff != "" {
		t.Errorf("a second time changed it:\n%s", diff)
	}
	service := &storage.Client{ClientID: "job", GrantTypes: []string{"client_credentials"}}
	if faults := Validate(service); len(faults) > 0 || service.Scope != "" || len(service.ResponseTypes) > 0 {
		t.Errorf("service: got %v, scope %q, response types %v", faults, service.Scope, service.ResponseTypes)
	}
}

func TestAllFaultsAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	no := false
	c := &storage.Client{
		ClientID: "an app", ApplicationType: "desktop", AccessTokenFormat: "saml",
		TokenEndpointAuthMethod: "none", GrantTypes: []string{"implicit", "client_credentials"},
		RequirePKCE: &no, RefreshTokenRotation: &no, MayIntrospect: true,
		RedirectURIs: []string{"javascript:alert(1)"}, AllowedCORSOrigins: []string{"*"},
	}
	var fields []string
	for _, f := range Validate(c) {
		fields = append(fields, f.Field)
	}
	for _, want := range []string{"client_id", "application_type", "access_token_format", "grant_types", "require_pkce",
		"refresh_token_rotation", "may_introspect", "redirect_uris", "allowed_cors_origins"} {
		if !slices.Contains(fields, want) {
			t.Errorf("no fault for %s in %v", want, fields)
		}
	}
}

func TestClientFaults(t *testing.T) {
	t.Parallel()
	day, zero, below := int64(86400), int64(0), int64(-1)
	keys := fmt.Sprintf(`{"keys":[%s]}`, testkeys.JWK(t, "a"))
	tests := map[string]struct {
		field  string // "" for no fault
		change func(*storage.Client)
	}{
		"no id":           {"client_id", func(c *storage.Client) { c.ClientID = "" }},
		"long id":         {"client_id", func(c *storage.Client) { c.ClientID = strings.Repeat("a", 257) }},
		"id with a space": {"client_id", func(c *storage.Client) { c.ClientID = "my app" }},
		"id of dots":      {"client_id", func(c *storage.Client) { c.ClientID = ".." }},
		"id as a person's": {"client_id", func(c *storage.Client) {
			c.ClientID = "0190d1f8-7c5e-7d3a-9b1e-2f6c8a4b5d6e"
		}},
		"id as a person's, capitals": {"client_id", func(c *storage.Client) {
			c.ClientID = "0190D1F8-7C5E-7D3A-9B1E-2F6C8A4B5D6E"
		}},
		"id as a person's, bare": {"client_id", func(c *storage.Client) {
			c.ClientID = "0190d1f87c5e7d3a9b1e2f6c8a4b5d6e"
		}},
		"random UUID":               {"", func(c *storage.Client) { c.ClientID = "3f0c1c2e-6a0b-4a4e-8f69-0b8e6d1c9a77" }},
		"URL as id":                 {"", func(c *storage.Client) { c.ClientID = "https://app.example.com/client" }},
		"name that reads backwards": {"client_name", func(c *storage.Client) { c.ClientName = "App\u202egpj" }},
		"name with a line break":    {"client_name", func(c *storage.Client) { c.ClientName = "App\nAdmin" }},
		"name that is not UTF-8":    {"client_name", func(c *storage.Client) { c.ClientName = "App\xff" }},
		"name in another script":    {"", func(c *storage.Client) { c.ClientName = "日本語アプリ" }},
		"password grant": {"grant_types", func(c *storage.Client) {
			c.GrantTypes = []string{"authorization_code", "password"}
		}},
		"unknown grant": {"grant_types", func(c *storage.Client) { c.GrantTypes = []string{"authorization_code", "magic"} }},
		"grant twice": {"grant_types", func(c *storage.Client) {
			c.GrantTypes = []string{"authorization_code", "authorization_code"}
		}},
		"refresh alone": {"grant_types", func(c *storage.Client) { c.GrantTypes = []string{"refresh_token"} }},
		"all grants": {"", func(c *storage.Client) {
			c.GrantTypes = []string{"authorization_code", "refresh_token", "client_credentials"}
		}},
		"token response": {"response_types", func(c *storage.Client) { c.ResponseTypes = []string{"code", "token"} }},
		"code without its grant": {"response_types", func(c *storage.Client) {
			c.GrantTypes, c.ResponseTypes = []string{"client_credentials"}, []string{"code"}
		}},
		"no redirect URI": {"redirect_uris", func(c *storage.Client) { c.RedirectURIs = nil }},
		"redirect URI twice": {"redirect_uris", func(c *storage.Client) {
			c.RedirectURIs = append(c.RedirectURIs, c.RedirectURIs[0])
		}},
		"bad post-logout URI": {"post_logout_redirect_uris", func(c *storage.Client) {
			c.PostLogoutRedirectURIs = []string{"http://app.example.com/"}
		}},
		"scope with a quote": {"scope", func(c *storage.Client) { c.Scope = `openid "x"` }},
		"scope of their own": {"", func(c *storage.Client) {
			c.Scope = "openid reports:read https://api.example.com/x"
		}},
		"no method":            {"", func(c *storage.Client) { c.TokenEndpointAuthMethod = "" }},
		"typ of access tokens": {"", func(c *storage.Client) { c.AccessTokenTyp = "JWT" }},
		"another typ":          {"access_token_typ", func(c *storage.Client) { c.AccessTokenTyp = "jwt" }},
		"typ of opaque tokens": {"access_token_typ", func(c *storage.Client) {
			c.AccessTokenTyp, c.AccessTokenFormat = "JWT", "opaque"
		}},
		"access tokens for itself": {"access_token_typ", func(c *storage.Client) {
			c.AccessTokenTyp, c.Audience = "JWT", []string{c.ClientID}
		}},
		"unknown method": {"token_endpoint_auth_method", func(c *storage.Client) {
			c.TokenEndpointAuthMethod = "client_secret_jwt"
		}},
		"secret of a public client": {"client_secret", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.SecretHashes = "none", []string{"sha256$x"}
		}},
		"secret beside a key": {"client_secret", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.JWKS, c.SecretHashes = "private_key_jwt", []byte(keys), []string{"sha256$x"}
		}},
		"FAPI 2.0": {"", func(c *storage.Client) {
			c.Profile, c.TokenEndpointAuthMethod, c.JWKS = "fapi2", "private_key_jwt", []byte(keys)
		}},
		"FAPI 2.0 by a secret": {"token_endpoint_auth_method", func(c *storage.Client) { c.Profile = "fapi2" }},
		"FAPI 2.0 without a key": {"dpop", func(c *storage.Client) {
			c.Profile, c.TokenEndpointAuthMethod, c.JWKS, c.DPoP = "fapi2", "private_key_jwt", []byte(keys), "allow"
		}},
		"FAPI 2.0 without PKCE": {"require_pkce", func(c *storage.Client) {
			c.Profile, c.TokenEndpointAuthMethod, c.JWKS, c.RequirePKCE = "fapi2", "private_key_jwt", []byte(keys), new(bool)
		}},
		"FAPI 2.0 by RS256": {"id_token_signed_response_alg", func(c *storage.Client) {
			c.Profile, c.TokenEndpointAuthMethod, c.JWKS = "fapi2", "private_key_jwt", []byte(keys)
			c.IDTokenSignedResponseAlg = "RS256"
		}},
		"another profile": {"profile", func(c *storage.Client) {
			c.Profile, c.TokenEndpointAuthMethod, c.JWKS = "fapi3", "private_key_jwt", []byte(keys)
		}},
		"a certificate of an authority": {"", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.CertificateDN = "tls_client_auth", `CN=app+UID=7,O=Example\, Inc.,1.2.3=x`
		}},
		"a certificate without a name": {"tls_client_auth_subject_dn", func(c *storage.Client) {
			c.TokenEndpointAuthMethod = "tls_client_auth"
		}},
		"a certificate with two names": {"tls_client_auth_san_uri", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.CertificateDNS, c.CertificateURI = "tls_client_auth", "app.example.com", "spiffe://a/b"
		}},
		"a name of a certificate beside a secret": {"tls_client_auth_san_dns", func(c *storage.Client) {
			c.CertificateDNS = "app.example.com"
		}},
		"no distinguished name": {"tls_client_auth_subject_dn", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.CertificateDN = "tls_client_auth", "/C=DE/CN=app"
		}},
		"a name that ends in a backslash": {"tls_client_auth_subject_dn", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.CertificateDN = "tls_client_auth", `CN=app\`
		}},
		"no IP address": {"tls_client_auth_san_ip", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.CertificateIP = "tls_client_auth", "app.example.com"
		}},
		"self-signed without keys": {"jwks", func(c *storage.Client) {
			c.TokenEndpointAuthMethod = "self_signed_tls_client_auth"
		}},
		"key method without keys": {"jwks", func(c *storage.Client) { c.TokenEndpointAuthMethod = "private_key_jwt" }},
		"key method, null keys": {"jwks", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.JWKS = "private_key_jwt", []byte("null")
		}},
		"keys and their address": {"jwks_uri", func(c *storage.Client) {
			c.JWKS, c.JWKSURI = []byte(keys), "https://app.example.com/jwks"
		}},
		"inline keys": {"", func(c *storage.Client) { c.TokenEndpointAuthMethod, c.JWKS = "private_key_jwt", []byte(keys) }},
		"keys by address": {"", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.JWKSURI = "private_key_jwt", "https://app.example.com/jwks"
		}},
		"keys on this machine": {"", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.JWKSURI = "private_key_jwt", "http://127.0.0.1:8000/jwks"
		}},
		"keys in clear": {"jwks_uri", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.JWKSURI = "private_key_jwt", "http://app.example.com/jwks"
		}},
		"keys in a file": {"jwks_uri", func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.JWKSURI = "private_key_jwt", "file:///etc/passwd"
		}},
		"alg none": {"id_token_signed_response_alg", func(c *storage.Client) {
			c.IDTokenSignedResponseAlg = "none"
		}},
		"shared-key alg": {"userinfo_signed_response_alg", func(c *storage.Client) {
			c.UserinfoSignedResponseAlg = "HS256"
		}},
		"assertion alg": {"token_endpoint_auth_signing_alg", func(c *storage.Client) {
			c.TokenEndpointAuthSigningAlg = "ES256"
		}},
		"logo in clear":     {"logo_uri", func(c *storage.Client) { c.LogoURI = "http://app.example.com/logo.png" }},
		"logo that runs":    {"logo_uri", func(c *storage.Client) { c.LogoURI = "javascript:alert(1)" }},
		"logo that is data": {"logo_uri", func(c *storage.Client) { c.LogoURI = "data:image/svg+xml,<svg/>" }},
		"terms with a user": {"tos_uri", func(c *storage.Client) { c.TosURI = "https://example.com@evil.example/" }},
		"links": {"", func(c *storage.Client) {
			c.ClientURI, c.PolicyURI = "https://example.com", "https://example.com/privacy?v=2"
		}},
		"max age":            {"", func(c *storage.Client) { c.DefaultMaxAge = &zero }},
		"max age below zero": {"default_max_age", func(c *storage.Client) { c.DefaultMaxAge = &below }},
		"max age of a day":   {"", func(c *storage.Client) { c.DefaultMaxAge = &day }},
		"long access token": {"access_token_lifetime", func(c *storage.Client) {
			c.AccessTokenLifetime = storage.Duration(25 * time.Hour)
		}},
		"part of a second": {"id_token_lifetime", func(c *storage.Client) {
			c.IDTokenLifetime = storage.Duration(time.Millisecond)
		}},
		"idle beyond the end": {"refresh_token_idle_lifetime", func(c *storage.Client) {
			c.RefreshTokenLifetime, c.RefreshTokenIdleLifetime = storage.Duration(time.Hour), storage.Duration(2*time.Hour)
		}},
		"endless": {"refresh_token_lifetime", func(c *storage.Client) {
			c.RefreshTokenLifetime = storage.Duration(200 * 365 * 24 * time.Hour)
		}},
		"audience with a space": {"audience", func(c *storage.Client) { c.Audience = []string{"https://api.example.com x"} }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			faults := Validate(webClient(tt.change))
			if tt.field == "" && len(faults) > 0 {
				t.Fatalf("got %v, want none", faults)
			}
			if tt.field != "" && (len(faults) != 1 || faults[0].Field != tt.field) {
				t.Fatalf("got %v, want one fault of %s", faults, tt.field)
			}
			for _, f := range faults {
				if !strings.Contains(f.Message, ":") {
					t.Errorf("%q does not say what to write instead", f.Message)
				}
			}
		})
	}
}
