package clients

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// FuzzReadRegistration: what is read of any body is a client that no administrator would have to mend, with nothing
// that only administrators give; and what such a client is told of itself registers the same again, which is how
// clients change one member (RFC 7592 section 2.2).
func FuzzReadRegistration(f *testing.F) {
	const good = `{"redirect_uris": ["https://survey.example/cb"]`
	for _, body := range []string{
		good + `}`, good + `, "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "x"]}`,
		good + `, "client_name": " Survey ", "client_name#de": "Umfrage", "logo_uri": "javascript:x", "contacts": ["a"]}`,
		good + `, "jwks": {"keys": []}}`, good + `, "jwks_uri": "https://a.example/", "request_object_signing_alg": "ES256"}`,
		good + `, "subject_type": "pairwise", "sector_identifier_uri": "https://survey.example/list"}`,
		good + `, "first_party": true, "scope": "admin", "client_secret": "x", "client_id": "web", "audience": ["y"]}`,
		good + `, "default_max_age": -1}`, good + `, "default_max_age": 1e3, "require_auth_time": null}`,
		good + `, "response_types": ["code", "token"], "default_acr_values": ["phr"], "dpop_bound_access_tokens": true}`,
		`{"redirect_uris": ["app:/cb", "http://[::1]/", "http://localhost:1/x"], "application_type": "web"}`,
		`{"redirect_uris": [null, 1]}`, `{"redirect_uris": "https://a.example/"}`, "[]", "null", "", `{"REDIRECT_URIS": []}`,
		good + `, "software_statement": "e30.e30.AAAA"}`, good + `, "software_statement": 1}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := ReadRegistration(body)
		if err != nil {
			return
		}
		if !strings.HasPrefix(c.ClientID, "reg-") || c.FirstParty || len(c.SecretHashes) > 0 ||
			c.Scope != strings.Join(Scopes, " ") || len(c.Audience) > 0 || len(c.RedirectURIs) == 0 || len(Validate(&c)) > 0 {
			t.Errorf("%q: got %+v", body, c)
		}
		for _, g := range c.GrantTypes {
			if g != "authorization_code" && g != "refresh_token" {
				t.Errorf("%q: got the grant type %q", body, g)
			}
		}
		tells := func(c storage.Client) string {
			told, err := json.Marshal(struct {
				storage.Client
				BoundTokens bool `json:"dpop_bound_access_tokens,omitempty"`
			}{c, c.DPoP == storage.DPoPRequire})
			if err != nil {
				t.Fatal(err)
			}
			return string(told)
		}
		told := tells(c)
		again, err := ReadRegistration([]byte(told))
		if again.ClientID = c.ClientID; err != nil || tells(again) != told {
			t.Errorf("%q: told %s, which is read as %s, %v", body, told, tells(again), err)
		}
	})
}
