package clients

import (
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestRedirectURIsThatMayBeRegistered(t *testing.T) {
	t.Parallel()
	const web, native, both, neither = "web", "native", "web native", ""
	tests := []struct{ uri, types string }{
		{"https://app.example.com/cb", both},
		{"https://app.example.com", both},
		{"https://app.example.com:8443/cb?tenant=1", both},
		{"https://xn--bcher-kva.example/cb", both},
		{"https://[2001:db8::1]/cb", both},
		{"https://192.0.2.7/cb", both},
		{"http://localhost:3000/cb", both},
		{"http://app.localhost:3000/cb", both},
		{"http://127.0.0.1/cb", both},
		{"http://127.8.9.10:80/cb", both},
		{"http://[::1]:8080/cb", both},
		{"com.example.app:/cb", native},
		{"com.example.app://cb", native},
		{"com.example.app:/cb?x=1", native},

		{"http://app.example.com/cb", neither},
		{"http://localhost.example.com/cb", neither},
		{"http://10.0.0.1/cb", neither},
		{"http://[::ffff:10.0.0.1]/cb", neither},
		{"http://[0:0:0:0:0:0:0:1]/cb", neither}, // another spelling
		{"http://2130706433/cb", neither},
		{"http://0177.0.0.1/cb", neither},
		{"http://user@localhost/cb", neither},
		{"javascript:alert(1)", neither},
		{"JavaScript:alert(1)", neither},
		{"javascript://app.example.com/%0aalert(1)", neither},
		{"data:text/html,<script>alert(1)</script>", neither},
		{"data:text/html;base64,PHNjcmlwdD4=", neither},
		{"vbscript:msgbox", neither},
		{"file:///etc/passwd", neither},
		{"blob:https://app.example.com/1", neither},
		{"about:blank", neither},
		{"ftp://app.example.com/", neither},
		{"myapp:/cb", neither},
		{"myapp://cb", neither},
		{"com.example.app://user@cb", neither},
		{"urn:ietf:wg:oauth:2.0:oob", neither},
		{"", neither},
		{"/cb", neither},
		{"//app.example.com/cb", neither},
		{"app.example.com/cb", neither},
		{"https:app.example.com/cb", neither},
		{"https:///cb", neither},
		{"https://", neither},
		{"https://app.example.com/cb#", neither},
		{"https://app.example.com/cb#x", neither},
		{"https://*.example.com/cb", neither},
		{"https://app.example.com/*", neither},
		{"*", neither},
		{"https://user:pw@app.example.com/cb", neither},
		{"https://app.example.com@evil.example/cb", neither},
		{`https://app.example.com\@evil.example/cb`, neither},
		{`https:\\app.example.com\cb`, neither},
		{"https://App.example.com/cb", neither},
		{"HTTPS://app.example.com/cb", neither},
		{"https://app.example.com./cb", neither},
		{"https://.example.com/cb", neither},
		{"https://app..example.com/cb", neither},
		{"https://app%2eexample.com/cb", neither},
		{"https://bücher.example/cb", neither},
		{"https://app.example.com:/cb", neither},
		{"https://app.example.com:0/cb", neither},
		{"https://app.example.com:0443/cb", neither},
		{"https://app.example.com:99999/cb", neither},
		{"https://[fe80::1%25eth0]/cb", neither},
		{"https://app.example.com/a/../cb", neither},
		{"https://app.example.com/./cb", neither},
		{"https://app.example.com/%2e%2e/cb", neither},
		{"https://app.example.com/%zz", neither},
		{"https://app.example.com/c b", neither},
		{"https://app.example.com/cb\n", neither},
		{"https://app.example.com/cb\x00", neither},
		{"https://app.example.com/\t", neither},
		{" https://app.example.com/cb", neither},
		{"https://app.example.com/<b>", neither},
		{"https://app.example.com/\"onload=", neither},
		{"https://app.example.com/cb?code=1", neither},
		{"https://app.example.com/cb?state=1", neither},
		{"https://app.example.com/cb?a=%zz", neither},
		{"https://app.example.com/" + strings.Repeat("a", 2048), neither},
	}
	for _, tt := range tests {
		for _, kind := range []string{web, native} {
			c := webClient(func(c *storage.Client) { c.ApplicationType, c.RedirectURIs = kind, []string{tt.uri} })
			faults := Validate(c)
			if got, want := len(faults) == 0, strings.Contains(tt.types, kind); got != want {
				t.Errorf("%s client, %q: accepted is %v, want %v: %v", kind, tt.uri, got, want, faults)
			}
		}
	}
}

// A native app that an operator trusts with it may have a scheme without a dot. No dangerous one is among them.
func TestSchemesWithoutADotAreForClientsThatAllowThem(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]bool{
		"vscode://vendor.extension/callback": true, "cursor://anysphere.cursor-mcp/oauth/callback": true, "myapp:/cb": true,
		"com.example.app:/cb": true, "javascript:alert(1)": false, "JavaScript:alert(1)": false, "data:text/html,x": false,
		"vbscript:x": false, "file:///etc/passwd": false, "intent://x#Intent;end": false, "blob:https://a.example/1": false,
		"about:blank": false, "view-source:https://a.example": false, "ws://a.example/": false, "ftp://a.example/": false,
		"ms-msdt:/id": false, "myapp://user@cb": false, "myapp:/a/../cb": false, "myapp:/cb?code=1": false,
	} {
		for _, kind := range []string{"native", "web"} {
			c := webClient(func(c *storage.Client) {
				c.ApplicationType, c.RedirectURIs, c.SchemesWithoutDot = kind, []string{uri}, true
			})
			if faults := Validate(c); (len(faults) == 0) != (want && kind == "native") {
				t.Errorf("%s client, %q: %v", kind, uri, faults)
			}
		}
	}
}

func TestOriginsThatMayBeRegistered(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]bool{
		"https://app.example.com":      true,
		"https://app.example.com:8443": true,
		"http://localhost:5173":        true,
		"http://127.0.0.1:5173":        true,
		"http://[::1]:5173":            true,
		"*":                            false,
		"null":                         false,
		"https://*.example.com":        false,
		"https://app.example.com/":     false,
		"https://app.example.com/x":    false,
		"https://app.example.com?x":    false,
		"https://app.example.com:443":  false,
		"http://localhost:80":          false,
		"http://app.example.com":       false,
		"https://u@app.example.com":    false,
		"https://APP.example.com":      false,
		"app.example.com":              false,
		"file://":                      false,
		"javascript://x":               false,
		"capacitor://localhost":        false, // native only
		"https://app.example.com ":     false,
	} {
		faults := Validate(webClient(func(c *storage.Client) { c.AllowedCORSOrigins = []string{origin} }))
		if got := len(faults) == 0; got != want {
			t.Errorf("%q: accepted is %v, want %v: %v", origin, got, want, faults)
		}
	}
	native := webClient(func(c *storage.Client) {
		c.ApplicationType, c.AllowedCORSOrigins = "native", []string{"capacitor://localhost"}
	})
	if faults := Validate(native); len(faults) > 0 {
		t.Errorf("native application's origin: %v", faults)
	}
}

func FuzzRedirectRegistration(f *testing.F) {
	for _, seed := range []string{"https://app.example.com/cb", "com.example.app:/cb", "http://[::1]:1/", `https:\\x`,
		"javascript:x", "https://a%2eb/"} {
		f.Add(seed, true, false)
		f.Add(seed, true, true)
	}
	f.Fuzz(func(t *testing.T, uri string, native, withoutDot bool) {
		if redirectFault(native, withoutDot, uri) != "" {
			return
		}
		// What may be registered begins with a scheme that runs nothing, and has one
		// plain host.
		scheme, rest, _ := strings.Cut(uri, ":")
		switch {
		case scheme == "https" || scheme == "http":
			host, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
			if strings.ContainsAny(host, `@\#%*`) || strings.ToLower(host) != host || !strings.HasPrefix(rest, "//") {
				t.Errorf("accepted %q", uri)
			}
		case !native || !strings.Contains(scheme, ".") && (!withoutDot || slices.Contains(dangerousSchemes, scheme)):
			t.Errorf("accepted %q", uri)
		}
		if strings.ContainsAny(uri, "\\#*\r\n\t \x00") {
			t.Errorf("accepted %q", uri)
		}
	})
}
