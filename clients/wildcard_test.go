package clients

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// TestWildcardsAreTheGatewaysAlone: a registered wildcard stands for one label, and no client can register one.
func TestWildcardsAreTheGatewaysAlone(t *testing.T) {
	t.Parallel()
	c := &storage.Client{RedirectURIs: []string{"https://*.apps.example/.vouchsafe/callback"}}
	for uri, want := range map[string]bool{
		"https://a.apps.example/.vouchsafe/callback":                 true,
		"https://a-1.apps.example/.vouchsafe/callback":               true,
		"https://apps.example/.vouchsafe/callback":                   false,
		"https://.apps.example/.vouchsafe/callback":                  false,
		"https://a.b.apps.example/.vouchsafe/callback":               false,
		"https://a.apps.example.evil.example/.vouchsafe/callback":    false,
		"https://evil.example/a.apps.example/.vouchsafe/callback":    false,
		"https://evil.example#.apps.example/.vouchsafe/callback":     false,
		"https://evil.example\\.apps.example/.vouchsafe/callback":    false,
		"https://evil%2fx.apps.example/.vouchsafe/callback":          false,
		"https://u@a.apps.example/.vouchsafe/callback":               false,
		"https://a.apps.example:8443/.vouchsafe/callback":            false,
		"http://a.apps.example/.vouchsafe/callback":                  false,
		"https://a.apps.example/.vouchsafe/callback?x":               false,
		"https://a.apps.example/.vouchsafe/callback/":                false,
		"https://A.apps.example/.vouchsafe/callback":                 false,
		"https://*.apps.example/.vouchsafe/callback":                 true,
		"https://a.apps.example/.vouchsafe/../.vouchsafe/callback":   false,
		"https://evil.example?.apps.example/.vouchsafe/callback":     false,
		"https://evilapps.example/.vouchsafe/callback":               false,
		"https://a.apps.example/.vouchsafe/callback@evil.example":    false,
		"https://evil.example/?x=https://a.apps.example/.vouchsafe/": false,
	} {
		if got := AllowsRedirect(c, c.RedirectURIs, uri); got != want {
			t.Errorf("%s: got %v, want %v", uri, got, want)
		}
	}
	for _, uri := range []string{"https://*.example.com/callback", "https://*/callback", "https://a.*.example/callback"} {
		own := &storage.Client{ClientID: "own", TokenEndpointAuthMethod: "none", RedirectURIs: []string{uri}}
		if faults := Validate(own); len(faults) == 0 {
			t.Errorf("a client may register %s", uri)
		}
	}
}
