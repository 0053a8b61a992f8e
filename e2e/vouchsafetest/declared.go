package vouchsafetest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"
)

// Client is an entry of clients.yaml: its metadata by their registered names.
type Client map[string]any

// ID returns the client_id.
func (c Client) ID() string { return c["client_id"].(string) }

// Secret returns the client_secret, or "".
func (c Client) Secret() string {
	s, _ := c["client_secret"].(string)
	return s
}

// Method returns how the client authenticates.
func (c Client) Method() string {
	m, _ := c["token_endpoint_auth_method"].(string)
	if m == "" {
		return "client_secret_basic"
	}
	return m
}

// RedirectURI returns the first redirect URI.
func (c Client) RedirectURI() string { return c["redirect_uris"].([]string)[0] }

// With returns the client with these fields replaced. nil removes a field.
func (c Client) With(fields Client) Client {
	out := Client{}
	for k, v := range c {
		out[k] = v
	}
	for k, v := range fields {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	return out
}

const allScopes = "openid profile email address phone offline_access"

var (
	codeAndRefresh = []string{"authorization_code", "refresh_token"}

	// Web is a confidential client of the operator. It may omit PKCE, as the suites of the OpenID
	// Foundation do, and send its secret by Basic or in the form.
	Web = Client{
		"client_id": "web", "client_name": "The web app", "client_secret": "web-secret-3kT9vQxZ7mBw2LpD8sRf",
		"redirect_uris":             []string{"https://rp.example/callback"},
		"post_logout_redirect_uris": []string{"https://rp.example/signed-out"},
		"grant_types":               codeAndRefresh, "scope": allScopes,
		"first_party": true,
	}
	// Other is a client like Web.
	Other = Web.With(Client{
		"client_id": "other", "client_name": "The other app", "client_secret": "other-secret-8wNc4HjY6rTz1XgV5bKq",
		"redirect_uris":             []string{"https://other.example/callback"},
		"post_logout_redirect_uris": []string{"https://other.example/signed-out"},
	})
	// Post authenticates by client_secret_post.
	Post = Web.With(Client{
		"client_id": "post", "client_secret": "post-secret-5zRm2KfW9xLq7DtN4vBy",
		"token_endpoint_auth_method": "client_secret_post",
	})
	// Strict is a confidential client that must use PKCE and Basic.
	Strict = Web.With(Client{
		"client_id": "strict", "client_secret": "strict-secret-1pVb6XcM8jHn3QwS0dKg",
		"require_pkce": true, "token_endpoint_auth_method": "client_secret_basic",
	})
	// Public is a client without credentials.
	Public = Web.With(Client{
		"client_id": "public", "client_secret": nil, "token_endpoint_auth_method": "none",
		"redirect_uris": []string{"https://spa.example/callback"}, "allowed_cors_origins": []string{"https://spa.example"},
	})
	// Native is an app on a computer or a phone (RFC 8252).
	Native = Public.With(Client{
		"client_id": "native", "application_type": "native", "allowed_cors_origins": nil,
		"redirect_uris": []string{"http://127.0.0.1/callback", "http://[::1]/callback", "com.example.app:/callback"},
	})
	// LocalWeb is a web app under development.
	LocalWeb = Web.With(Client{
		"client_id": "local-web", "client_secret": "local-secret-5tGn7WzK2xQv",
		"redirect_uris": []string{"http://127.0.0.1:3000/callback"},
	})
	// Third is the client of another company: users are asked for consent.
	Third = Web.With(Client{
		"client_id": "third", "client_name": "Third & Sons", "client_secret": "third-secret-7gQx5MzL2kVt9BnJ4wRc",
		"redirect_uris": []string{"https://third.example/callback"}, "first_party": nil,
		"client_uri": "https://third.example/", "policy_uri": "https://third.example/policy",
		"tos_uri": "https://third.example/terms",
	})
	// Several has more than one redirect URI, one with a query.
	Several = Web.With(Client{
		"client_id": "several", "client_secret": "several-secret-2hXr8PbT6nKw4ZmF1cDv",
		"redirect_uris": []string{"https://rp.example/one", "https://rp.example/two?keep=this&and=that"},
	})
	// Opaque gets access tokens that only Vouchsafe can read.
	Opaque = Web.With(Client{"client_id": "opaque", "client_secret": "opaque-secret-9dJq3YkV7tMx5RhB2zNw",
		"access_token_format": "opaque"})
	// Service is a program without users.
	Service = Client{
		"client_id": "service", "client_name": "The nightly job", "client_secret": "service-secret-6fWz1KtC8vYp3LsH5jXd",
		"grant_types": []string{"client_credentials"}, "scope": "reports:read reports:write",
	}
	// ServiceBasic is a service that authenticates by client_secret_basic.
	ServiceBasic = Service.With(Client{
		"client_id": "service-basic", "client_secret": "service-basic-secret-7tRz4KvN9mXw2QbL",
		"token_endpoint_auth_method": "client_secret_basic",
	})
	// ServicePost is a service that authenticates by client_secret_post.
	ServicePost = Service.With(Client{
		"client_id": "service-post", "client_secret": "service-post-secret-2qLc8VxR5nTk7WmZ",
		"token_endpoint_auth_method": "client_secret_post",
	})
	// Inspector may introspect the tokens of others.
	Inspector = Service.With(Client{
		"client_id": "inspector", "client_secret": "inspector-secret-4vBg7NqX2mRk9TzP6wLc", "may_introspect": true,
	})
	// Signed gets its user info as a signed JWT, and ES256 ID tokens with the claims in them.
	Signed = Web.With(Client{
		"client_id": "signed", "client_secret": "signed-secret-0kMt5ZxQ8rVb3WnL7yJh",
		"userinfo_signed_response_alg": "RS256", "id_token_signed_response_alg": "ES256",
	})
	// Lean gets ID tokens without the claims of its scopes.
	Lean = Web.With(Client{"client_id": "lean", "client_secret": "lean-secret-4cPz7HkW1tNx9RvB6mSd",
		"id_token_claims": false})
	// TV is an app on devices without a browser.
	TV = Client{
		"client_id": "tv", "client_name": "The TV app", "token_endpoint_auth_method": "none", "application_type": "native",
		"grant_types": []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}, "scope": allScopes,
	}
	// Console is an app like TV.
	Console = TV.With(Client{"client_id": "console", "client_name": "The games console"})
	// Disabled is a client that is disabled.
	Disabled = Web.With(Client{"client_id": "disabled", "client_secret": "disabled-secret-6jTw1NcX8pVm", "disabled": true})
	// Brief gets tokens with short lifetimes.
	Brief = Web.With(Client{
		"client_id": "brief", "client_secret": "brief-secret-9mKz4RtV6xQb2LwD",
		"access_token_lifetime": "2s", "id_token_lifetime": "1s", "refresh_token_lifetime": "14s",
		"refresh_token_idle_lifetime": "6s",
	})
	// CodeOnly has no refresh tokens and few scopes.
	CodeOnly = Web.With(Client{
		"client_id": "code-only", "client_secret": "code-only-secret-3sYc9LvK1tXm6QzR8wBn",
		"grant_types": []string{"authorization_code"}, "scope": "openid email",
	})
)

// SecretHash returns the client_secret_hash of a secret that cannot be guessed, in the form that
// Vouchsafe uses for secrets of its own. It is quick to check.
func SecretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "sha256$" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// WriteClients writes a clients.yaml as JSON, which is YAML. The secrets of Web and Service are in
// plain text, so that they get a slow hash. Those of the others are in the fast form of SecretHash.
func WriteClients(file string, clients []Client) error {
	written := make([]Client, len(clients))
	for i, c := range clients {
		written[i] = c
		if c.Secret() != "" && c.ID() != Web.ID() && c.ID() != Service.ID() {
			written[i] = c.With(Client{"client_secret": nil, "client_secret_hash": SecretHash(c.Secret())})
		}
	}
	text, err := json.MarshalIndent(map[string]any{"clients": written}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// Declare writes the clients file anew with the usual clients and these. It takes effect at the
// next start.
func (s *Server) Declare(t testing.TB, clients ...Client) {
	t.Helper()
	all := append(Declared(), s.KeyHost.remote())
	if err := WriteClients(s.env["VOUCHSAFE_CLIENTS"], append(all, clients...)); err != nil {
		t.Fatal(err)
	}
}
