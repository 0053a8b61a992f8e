package provider

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	openIDPath = "/.well-known/openid-configuration"
	oauthPath  = "/.well-known/oauth-authorization-server"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	a := s.do(request("GET", openIDPath, ""))
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %v", a.status, a.header)
	}
	for name, want := range map[string]string{
		"issuer":                 testIssuer,
		"authorization_endpoint": testIssuer + "/authorize",
		"token_endpoint":         testIssuer + "/token",
		"userinfo_endpoint":      testIssuer + "/userinfo",
		"jwks_uri":               testIssuer + "/jwks",
		"end_session_endpoint":   testIssuer + "/logout",
		"revocation_endpoint":    testIssuer + "/revoke",

		"pushed_authorization_request_endpoint": testIssuer + "/par",
		"introspection_endpoint":                testIssuer + "/introspect",
	} {
		if a.str(name) != want {
			t.Errorf("%s: got %q, want %q", name, a.str(name), want)
		}
		// What is published is there.
		if u, err := url.Parse(a.str(name)); name != "issuer" &&
			(err != nil || s.raw(request("GET", u.Path, "")).StatusCode == http.StatusNotFound) {
			t.Errorf("%s: nothing at %s", name, a.str(name))
		}
	}
	for name, want := range map[string]bool{
		"claims_parameter_supported": true, "authorization_response_iss_parameter_supported": true,
		"request_parameter_supported": true, "request_uri_parameter_supported": false,
	} {
		if a.body[name] != want {
			t.Errorf("%s: got %v, want %v", name, a.body[name], want)
		}
	}
	list := func(name string) (out []string) {
		raw, _ := a.body[name].([]any)
		for _, v := range raw {
			out = append(out, v.(string))
		}
		return out
	}
	for name, want := range map[string][]string{
		"response_types_supported": {"code"},
		"response_modes_supported": {
			"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt",
		},
		"grant_types_supported": {"authorization_code", "client_credentials", "refresh_token",
			"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:jwt-bearer",
			"urn:ietf:params:oauth:grant-type:token-exchange"},
		"code_challenge_methods_supported":      {"S256"},
		"protected_resources":                   {testIssuer, testIssuer + "/api/v1"},
		"subject_types_supported":               {"public", "pairwise"},
		"prompt_values_supported":               {"none", "login", "consent", "select_account"},
		"acr_values_supported":                  storage.ACRs,
		"ui_locales_supported":                  {"en", "de"},
		"id_token_signing_alg_values_supported": {"RS256", "ES256", "EdDSA"},
		"token_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post",
			"private_key_jwt", "none"},
		"revocation_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post",
			"private_key_jwt", "none"},
		"introspection_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post", "private_key_jwt"},
	} {
		if got := list(name); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"token", "revocation", "introspection"} {
		algs := list(name + "_endpoint_auth_signing_alg_values_supported")
		if !slices.Contains(algs, "EdDSA") || !slices.Contains(algs, "ES256") ||
			slices.ContainsFunc(algs, func(a string) bool { return a == "none" || strings.HasPrefix(a, "HS") }) {
			t.Errorf("%s: signing algorithms are %v", name, algs)
		}
	}
	if got := list("scopes_supported"); !slices.Contains(got, "openid") || !slices.Contains(got, "offline_access") {
		t.Errorf("scopes: got %v", got)
	}
	if got := list("claims_supported"); !slices.Contains(got, "sub") || !slices.Contains(got, "phone_number_verified") {
		t.Errorf("claims: got %v", got)
	}
	if raw := s.do(request("GET", oauthPath, "")).raw; raw != a.raw {
		t.Error("the two well-known paths say different things")
	}
}

// F7: what is published does not depend on what the sender makes up, and each tenant has
// its own.
func TestEachTenantIsAnIssuer(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	for _, tenant := range []storage.Tenant{{ID: "acme", Name: "Acme"}, {ID: "own", Name: "Own", Host: "id.own.example"}} {
		if err := s.store.AddTenant(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	issuerAt := func(address string) string {
		r := request("GET", "", "", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http",
			"Forwarded: host=evil.example")
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		r.URL, r.Host, r.RequestURI = u, u.Host, u.RequestURI()
		return s.do(r).str("issuer")
	}
	for range 2 { // the second time from what is kept
		for address, want := range map[string]string{
			testIssuer + openIDPath:               testIssuer,
			testIssuer + "/t/acme" + openIDPath:   testIssuer + "/t/acme",
			testIssuer + oauthPath + "/t/acme":    testIssuer + "/t/acme", // RFC 8414 section 3.1
			"https://id.own.example" + openIDPath: "https://id.own.example",
		} {
			if got := issuerAt(address); got != want {
				t.Errorf("%s: issuer is %q, want %q", address, got, want)
			}
		}
	}
	// RFC 9728 section 3: the document of a resource names it, and says where tokens for it are made.
	for address, want := range map[string]string{
		testIssuer + issuer.ResourceMetadata:               testIssuer,
		testIssuer + issuer.ResourceMetadata + "/t/acme":   testIssuer + "/t/acme",
		"https://id.own.example" + issuer.ResourceMetadata: "https://id.own.example",
	} {
		r := request("GET", "", "")
		r.URL, _ = url.Parse(address)
		r.Host, r.RequestURI = r.URL.Host, r.URL.RequestURI()
		if a := s.do(r); a.str("resource") != want || !reflect.DeepEqual(a.body["authorization_servers"], []any{want}) {
			t.Errorf("%s: got %s, want that of %s", address, a.raw, want)
		}
	}
	var kids []string
	for _, path := range []string{"/jwks", "/t/acme/jwks"} {
		for _, key := range s.jwks(path).Keys {
			if slices.Contains(kids, key.KeyID) {
				t.Errorf("%s: key %s is another tenant's too", path, key.KeyID)
			}
			kids = append(kids, key.KeyID)
		}
	}
}

func (s *tokenServer) jwks(path string) jose.JSONWebKeySet {
	s.Helper()
	a := s.do(request("GET", path, ""))
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(a.raw), &set); err != nil || a.status != http.StatusOK {
		s.Fatalf("%s: got %d %s", path, a.status, a.raw)
	}
	return set
}

func TestPublishedDocumentsMayBeKept(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	for _, path := range []string{"/jwks", openIDPath, oauthPath} {
		resp := s.raw(request("GET", path, ""))
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		etag := resp.Header.Get("ETag")
		if resp.StatusCode != http.StatusOK || etag == "" || resp.Header.Get("Cache-Control") != "public, max-age=300" ||
			resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d %v", path, resp.StatusCode, resp.Header)
		}
		if id := resp.Header.Get("X-Request-Id"); id != "" {
			t.Errorf("%s: a cache would hand the id %s on, to other requests", path, id)
		}
		if resp := s.raw(request("GET", path, "", "If-None-Match: "+etag)); resp.StatusCode != http.StatusNotModified {
			t.Errorf("%s, kept: got %d, want 304", path, resp.StatusCode)
		}
		if resp := s.raw(request("GET", path, "", `If-None-Match: "other"`)); resp.StatusCode != http.StatusOK {
			t.Errorf("%s, another kept: got %d, want 200", path, resp.StatusCode)
		}
		resp = s.raw(request("HEAD", path, ""))
		head, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || len(head) != 0 || resp.ContentLength != int64(len(body)) {
			t.Errorf("%s, HEAD: got %d, %d bytes of %d", path, resp.StatusCode, len(head), resp.ContentLength)
		}
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			if a := s.do(request(method, path, "")); a.status != http.StatusMethodNotAllowed ||
				a.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s, %s: got %d, Allow %q", path, method, a.status, a.header.Get("Allow"))
			}
		}
	}
}

// F6: a new key appears at once and the old one stays; nothing private does ever.
func TestJWKSFollowsTheKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		before := s.jwks("/jwks")
		if len(before.Keys) != 2 {
			t.Errorf("%d keys, want one for RS256 and one for ES256", len(before.Keys))
		}
		made, err := s.rotate("RS256", false)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		after := s.jwks("/jwks")
		if len(after.Keys) != 3 || len(after.Key(made.ID)) != 1 {
			t.Errorf("after a rotation: %d keys, want 3 with %s", len(after.Keys), made.ID)
		}
		for _, key := range before.Keys {
			if len(after.Key(key.KeyID)) != 1 {
				t.Errorf("%s is gone", key.KeyID)
			}
		}
		for _, key := range after.Keys {
			if !key.IsPublic() || !key.Valid() || key.KeyID == "" || key.Use != "sig" || key.Algorithm == "" {
				t.Errorf("got %+v", key)
			}
		}
		raw := s.do(request("GET", "/jwks", "")).raw
		for _, member := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"dq"`, `"qi"`, `"k"`} {
			if strings.Contains(raw, member+":") {
				t.Errorf("the member %s is published", member)
			}
		}
		if err := s.store.RemoveKey(t.Context(), s.tenant.ID, made.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := s.jwks("/jwks"); len(got.Key(made.ID)) != 0 {
			t.Error("a key that was removed is still published")
		}
	})
}

func TestJWKSIsKeptNoLongerThanKeysArePublishedBeforeUse(t *testing.T) {
	t.Parallel()
	s := startTokens(t, func(c *Config) { c.KeyRotation = 2 * time.Minute })
	if got := s.raw(request("GET", "/jwks", "")).Header.Get("Cache-Control"); got != "public, max-age=60" {
		t.Errorf("got %q, want half the time between rotations", got)
	}
}

func TestPublishedDocumentsAskNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		s.jwks("/jwks")
		for _, path := range []string{"/jwks", openIDPath} {
			if got := s.statements(http.StatusOK, func() reply { return s.do(request("GET", path, "")) }); got != "" {
				t.Errorf("%s: got %q, want no statement", path, got)
			}
		}
	})
}
