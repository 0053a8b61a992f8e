package conformance

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func configModules() []module {
	return []module{
		{"oidcc-discovery-endpoint-verification", discovery},
		{"oidcc-discovery-jwks", jwks},
	}
}

func (p *plan) metadata(t *testing.T) map[string]any {
	t.Helper()
	r := p.api.Do(t, p.api.Request(t, http.MethodGet, "/.well-known/openid-configuration", "", ""))
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Status != http.StatusOK ||
		kind != "application/json" {
		t.Fatalf("got %d %s, want 200 and application/json", r.Status, kind)
	}
	return r.Body
}

func strs(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, e := range list {
		s, _ := e.(string)
		out = append(out, s)
	}
	return out
}

func discovery(t *testing.T, p *plan) {
	meta := p.metadata(t)
	if meta["issuer"] != p.Issuer {
		t.Errorf("got issuer %v, want %s", meta["issuer"], p.Issuer)
	}
	for name, v := range meta {
		if !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
			continue
		}
		u, err := url.Parse(v.(string))
		if err != nil || u.Scheme+"://"+u.Host != p.Issuer || u.Fragment != "" {
			t.Errorf("got %s %v, want a URL below %s", name, v, p.Issuer)
		}
	}
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri",
		"introspection_endpoint", "revocation_endpoint", "end_session_endpoint"} {
		if meta[name] == nil {
			t.Errorf("got no %s", name)
		}
	}
	for name, want := range map[string][]string{
		"response_types_supported":              {"code"},
		"response_modes_supported":              {"query", "form_post"},
		"grant_types_supported":                 {"authorization_code", "refresh_token", "client_credentials"},
		"subject_types_supported":               {"public", "pairwise"},
		"id_token_signing_alg_values_supported": {"RS256", "ES256", "EdDSA"},
		"token_endpoint_auth_methods_supported": {"none", "client_secret_basic",
			"client_secret_post", "private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": {"RS256", "ES256", "EdDSA"},
		"code_challenge_methods_supported":                 {"S256"},
		"scopes_supported": {"openid", "profile", "email", "address",
			"phone", "offline_access"},
		"prompt_values_supported": {"none", "login", "consent", "select_account"},
		"claims_supported": {
			"sub", "iss", "auth_time", "acr", "name", "given_name", "family_name", "middle_name",
			"nickname", "preferred_username",
			"profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
			"email", "email_verified",
			"phone_number", "phone_number_verified", "address",
		},
	} {
		got := strs(meta[name])
		for _, v := range want {
			if !slices.Contains(got, v) {
				t.Errorf("got %s %v, want %s among them", name, got, v)
			}
		}
	}
	discoveryFlags(t, meta)
}

func discoveryFlags(t *testing.T, meta map[string]any) {
	t.Helper()
	for name, want := range map[string]bool{
		"claims_parameter_supported":                     true,
		"request_parameter_supported":                    true,
		"request_uri_parameter_supported":                false, // its default is true
		"backchannel_logout_supported":                   true,
		"backchannel_logout_session_supported":           true,
		"authorization_response_iss_parameter_supported": true,
	} {
		if meta[name] != want {
			t.Errorf("got %s %v, want %v", name, meta[name], want)
		}
	}
	for _, name := range []string{"id_token_signing_alg_values_supported", "request_object_signing_alg_values_supported",
		"token_endpoint_auth_signing_alg_values_supported", "userinfo_signing_alg_values_supported"} {
		if got := strs(meta[name]); slices.Contains(got, "none") ||
			slices.ContainsFunc(got, func(alg string) bool { return strings.HasPrefix(alg, "HS") }) {
			t.Errorf("got %s %v, want no alg without a key of ours", name, got)
		}
	}
	// An extension that is not there must not be announced.
	for _, name := range []string{"registration_endpoint", "check_session_iframe",
		"frontchannel_logout_supported"} {
		if v, ok := meta[name]; ok && v != false {
			t.Errorf("got %s %v for something that does not exist", name, v)
		}
	}
}

func jwks(t *testing.T, p *plan) {
	r := p.api.Do(t, p.api.Request(t, http.MethodGet, "/jwks", "", ""))
	if !strings.Contains(r.Header.Get("Cache-Control"), "max-age=") {
		t.Errorf("got Cache-Control %q on the keys, want one that lets them be kept for a while",
			r.Header.Get("Cache-Control"))
	}
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(r.Raw), &set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("got %s: %v", r.Raw, err)
	}
	seen := map[any]bool{}
	algs := map[any]bool{}
	for _, k := range set.Keys {
		if k["kid"] == nil || seen[k["kid"]] {
			t.Errorf("got kid %v, want one of its own for each key", k["kid"])
		}
		seen[k["kid"]], algs[k["alg"]] = true, true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if k[private] != nil {
				t.Errorf("key %v is published with its private member %s", k["kid"], private)
			}
		}
		if k["use"] != "sig" || k["alg"] == nil {
			t.Errorf("key %v: got use %v and alg %v", k["kid"], k["use"], k["alg"])
		}
	}
	if !algs["RS256"] || !algs["ES256"] {
		t.Errorf("got keys for %v, want RS256 and ES256 among them", algs)
	}
}
