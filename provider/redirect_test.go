package provider

import (
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// What the client sent is where the answer goes, and what it repeats at the token endpoint.
func TestRedirectURIsComeBackAsTheyWereSent(t *testing.T) {
	t.Parallel()
	v, _ := startLogout(t)
	c := v.client(func(c *storage.Client) {
		c.ClientID, c.ApplicationType, c.FirstParty, c.RedirectURIs = "app", "native", true, []string{"http://127.0.0.1"}
		c.PostLogoutRedirectURIs = []string{"http://127.0.0.1"}
	})
	for sent, other := range map[string]string{"http://127.0.0.1:4711/": "http://127.0.0.1:4711",
		"http://127.0.0.1": "http://127.0.0.1/"} {
		for repeated, want := range map[string]int{sent: 200, other: 400} {
			to, _ := v.visit("/authorize?" + values("client_id", c.ClientID, "redirect_uri", sent, "response_type", "code",
				"scope", "openid", "code_challenge", s256(testVerifier), "code_challenge_method", "S256").Encode())
			u, err := url.Parse(to)
			if err != nil || !strings.HasPrefix(to, sent+"?code=") {
				t.Fatalf("%s: sent to %s", sent, to)
			}
			a := v.post(values("grant_type", "authorization_code", "client_id", c.ClientID, "code", u.Query().Get("code"),
				"redirect_uri", repeated, "code_verifier", testVerifier))
			if a.status != want {
				t.Errorf("%s, then %s at the token endpoint: got %d %s, want %d", sent, repeated, a.status, a.raw, want)
			}
		}
		to, status := v.confirms(v.asked(v.logout("client_id", c.ClientID, "post_logout_redirect_uri", sent)))
		v.sent(sent, to, status)
		v.session = v.signsIn(v.user)
	}
}
