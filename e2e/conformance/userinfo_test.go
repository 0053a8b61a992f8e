package conformance

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func userinfoModules() []module {
	return []module{
		{"oidcc-userinfo-get", userinfoGet},
		{"oidcc-userinfo-post-header", userinfoPostHeader},
		{"oidcc-userinfo-post-body", userinfoPostBody},
		{"oidcc-scope-profile", scope("profile")},
		{"oidcc-scope-email", scope("email")},
		{"oidcc-scope-address", scope("address")},
		{"oidcc-scope-phone", scope("phone")},
		{"oidcc-scope-all", scope("profile email address phone")},
	}
}

// leftHalf returns at_hash for RS256 and ES256 (OpenID Connect Core section 3.1.3.6).
func leftHalf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func wantSubject(t *testing.T, info *vouchsafetest.Reply, id *vouchsafetest.Token) {
	t.Helper()
	if info.Status != http.StatusOK || info.String("sub") != id.String("sub") {
		t.Errorf("got %d %s, want the sub of the ID token, %s", info.Status, info.Raw, id.String("sub"))
	}
}

func userinfoGet(t *testing.T, p *plan) {
	reply, id := p.signIn(t, p.browser(t), p.request())
	wantSubject(t, p.api.Userinfo(t, reply.Access()), id)
}

func userinfoPostHeader(t *testing.T, p *plan) {
	reply, id := p.signIn(t, p.browser(t), p.request())
	req := p.api.Request(t, http.MethodPost, "/userinfo", "", "")
	req.Header.Set("Authorization", "Bearer "+reply.Access())
	wantSubject(t, p.api.Do(t, req), id)
}

func userinfoPostBody(t *testing.T, p *plan) {
	reply, id := p.signIn(t, p.browser(t), p.request())
	wantSubject(t, p.api.Form(t, "/userinfo", url.Values{"access_token": {reply.Access()}}), id)
}

// claimsOf are the claims of each scope (OpenID Connect Core section 5.4).
var claimsOf = map[string][]string{
	"profile": {
		"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile",
		"picture", "website", "gender", "birthdate", "zoneinfo", "locale",
	},
	"email":                       {},
	"address":                     {"address"},
	"phone":                       {"phone_number", "phone_number_verified"},
	"profile email address phone": nil, // all
}

func scope(name string) func(*testing.T, *plan) {
	return func(t *testing.T, p *plan) {
		r := p.request("scope", "openid "+name)
		reply, id := p.signIn(t, p.browser(t), r)
		info := p.api.Userinfo(t, reply.Access())
		wantSubject(t, info, id)
		want := map[string]any{"sub": id.String("sub")}
		for claim, v := range vouchsafetest.JoClaims {
			if claimsOf[name] == nil || contains(claimsOf[name], claim) {
				want[claim] = v
			}
		}
		if name == "email" || claimsOf[name] == nil {
			want["email"], want["email_verified"] = "jo@example.com", true
		}
		got := info.Body
		if name == "profile" || claimsOf[name] == nil {
			if n, ok := got["updated_at"].(json.Number); !ok || len(n.String()) != 10 {
				t.Errorf("got updated_at %v, want seconds as a number", got["updated_at"])
			}
		}
		delete(got, "updated_at")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("user info (-want +got):\n%s", diff)
		}
		// The suite warns about claims in the ID token. Clients with id_token_claims: false have
		// none there.
		inToken := p.client["id_token_claims"] != false
		for claim := range want {
			if claim != "sub" && (id.Claims[claim] != nil) != inToken {
				t.Errorf("got %s=%v in the ID token, want it there: %v", claim, id.Claims[claim], inToken)
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
