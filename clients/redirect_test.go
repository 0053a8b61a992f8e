package clients

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// B1, B2: a redirect URI is taken when it is the same string, and otherwise only as
// another port of a native client's loopback address.
func TestRedirectURIsMatchToTheLetter(t *testing.T) {
	t.Parallel()
	web := &storage.Client{ApplicationType: "web"}
	native := &storage.Client{ApplicationType: "native"}
	registered := []string{"https://rp.example/cb?x=1&y=2", "http://127.0.0.1/cb", "http://[::1]:4711/cb?q",
		"https://127.0.0.1/tls", "http://localhost/cb", "com.example.app:/cb"}

	for _, uri := range registered {
		for _, c := range []*storage.Client{web, native} {
			if !AllowsRedirect(c, registered, uri) {
				t.Errorf("%s: registered %s is refused", c.ApplicationType, uri)
			}
		}
	}
	for _, uri := range []string{"http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", "http://[::1]/cb?q",
		"http://[::1]:80/cb?q", "http://localhost:80/cb", "http://localhost:51763/cb"} {
		if !AllowsRedirect(native, registered, uri) {
			t.Errorf("native: %s is refused", uri)
		}
		if AllowsRedirect(web, registered, uri) {
			t.Errorf("web: %s is taken", uri)
		}
	}
	base := "https://rp.example/cb?x=1&y=2"
	mutants := []string{
		"", "https://rp.example/cb", "https://rp.example/cb?x=1", "https://rp.example/cb?y=2&x=1", base + "&z=3",
		base + "#", base + "#f",
		strings.ToUpper(base), "HTTPS://rp.example/cb?x=1&y=2", "https://RP.example/cb?x=1&y=2",
		"https://rp.example/CB?x=1&y=2",
		"http://rp.example/cb?x=1&y=2", "https://rp.example:443/cb?x=1&y=2", "https://rp.example:8443/cb?x=1&y=2",
		"https://rp.example./cb?x=1&y=2", "https://a.rp.example/cb?x=1&y=2", "https://rp.example.evil.example/cb?x=1&y=2",
		"https://rpxexample/cb?x=1&y=2",
		"https://user@rp.example/cb?x=1&y=2", "https://rp.example@evil.example/cb?x=1&y=2",
		"https://evil.example\\@rp.example/cb?x=1&y=2",
		"https://rp.example\\cb?x=1&y=2", "https://rp.example/cb/?x=1&y=2", "https://rp.example//cb?x=1&y=2",
		"https://rp.example/./cb?x=1&y=2",
		"https://rp.example/a/../cb?x=1&y=2", "https://rp.example/a/..;/cb?x=1&y=2", "https://rp.example/%63b?x=1&y=2",
		"https://rp.example/%2e/cb?x=1&y=2",
		"https://rp.example%2fcb?x=1&y=2", "https://rp.example/%252e%252e/cb?x=1&y=2", "//rp.example/cb?x=1&y=2",
		"///rp.example/cb", "/cb",
		" " + base, base + " ", "\t" + base, base + "\n", base + "\x00", "https://rp.example/cb?x=1%26y=2",
		"javascript:alert(1)", "data:text/html,x",
		"http://127.0.0.1:0x50/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:80:80/cb", "http://127.0.0.1:999999/cb",
		"http://127.1:80/cb", "http://0x7f.0.0.1/cb",
		"http://2130706433/cb", "http://127.0.0.2:80/cb", "http://evil@127.0.0.1:80/cb",
		"http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1:80/cb/", "http://127.0.0.1:80/CB",
		"http://127.0.0.1:80/cb?x", "http://127.0.0.1:80/cb#f", "http://127.0.0.1:80\\@evil.example/cb",
		"https://127.0.0.1:80/cb", "http://127.0.0.1:80/tls", "https://127.0.0.1:80/tls",
		"http://LOCALHOST:80/cb", "http://localhost.:80/cb", "http://app.localhost:80/cb", "http://localhost:80/cb/",
		"http://localhost:/cb", "http://localhost:0x50/cb", "https://localhost:80/cb", "http://localhost:80@evil.example/cb",
		"http://localhost.evil.example/cb", "http://evil@localhost:80/cb", "http://[localhost]:80/cb",
		"http://[::1%25lo]:80/cb?q", "http://[::ffff:127.0.0.1]/cb",
		"http://[0:0:0:0:0:0:0:1]/cb?q", "http://[::1]:80/cb", "com.example.app:/cb/", "com.example.app://cb",
	}
	for _, uri := range mutants {
		for _, c := range []*storage.Client{web, native} {
			if AllowsRedirect(c, registered, uri) {
				t.Errorf("%s: %q is taken", c.ApplicationType, uri)
			}
		}
	}
}

// An empty path and "/" are one, in what is registered and in what is sent; nothing else
// becomes alike by it.
func TestRedirectURIsMayLeaveOutTheRootPath(t *testing.T) {
	t.Parallel()
	web := &storage.Client{ApplicationType: "web"}
	native := &storage.Client{ApplicationType: "native"}
	registered := []string{"https://rp.example", "https://slash.example/", "https://rp.example:8443?x=1",
		"http://127.0.0.1", "http://[::1]:4711/", "https://deep.example/cb", "com.example.app://cb"}
	for uri, want := range map[string]bool{
		"https://rp.example/": true, "https://slash.example": true, "https://rp.example:8443/?x=1": true,
		"http://127.0.0.1/": true, "http://[::1]:4711": true,
		"https://rp.example//": false, "https://rp.example?": false, "https://rp.example/?": false,
		"https://rp.example#": false, "https://rp.example/#": false,
		"https://rp.example\\": false, "https://rp.example/.": false, "https://rp.example?x=1": false,
		"https://rp.example/?x=1": false, "https://rp.example:443": false,
		"https://rp.example:443/": false, "https://RP.example/": false, "HTTPS://rp.example/": false,
		"http://rp.example/": false, "https://rp.example.": false,
		"https://rp.example@evil.example": false, "https://rp.example@evil.example/": false,
		"https://rp.example\\@evil.example/": false, "https://user@rp.example/": false,
		"https://rp.example /": false, "https://rp.example/ ": false, "https://rp.example%2f": false,
		"https://rp.example.evil.example/": false,
		"https://rp.example:8443/?y=1":     false, "https://rp.example:8443/?x=1/": false, "https://rp.example:8443": false,
		"https://slash.example?":   false,
		"https://deep.example/cb/": false, "https://deep.example/": false, "https://deep.example": false,
		"com.example.app://cb/": false, "https://": false, "https:///": false,
		"https:rp.example/": false, "https:/rp.example/": false, "//rp.example/": false,
	} {
		for _, c := range []*storage.Client{web, native} {
			if got := AllowsRedirect(c, registered, uri); got != want {
				t.Errorf("%s: %q is taken: %t, want %t", c.ApplicationType, uri, got, want)
			}
		}
	}
	for _, uri := range []string{"http://127.0.0.1:80", "http://127.0.0.1:65535/", "http://[::1]", "http://[::1]:1/"} {
		if !AllowsRedirect(native, registered, uri) || AllowsRedirect(web, registered, uri) {
			t.Errorf("%s: want it taken from native clients alone", uri)
		}
	}
}

// Whatever is taken is registered, or goes by plain http to a loopback literal.
func FuzzRedirectURI(f *testing.F) {
	registered := []string{"https://rp.example/cb", "http://127.0.0.1/cb", "http://[::1]/cb"}
	c := &storage.Client{ApplicationType: "native"}
	for _, uri := range append(registered, "http://127.0.0.1:80/cb",
		"http://evil@127.0.0.1:9999/cb", "http://[::1]:1/cb") {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if !AllowsRedirect(c, registered, uri) || slices.Contains(registered, uri) {
			return
		}
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || u.User != nil || u.Path != "/cb" || u.RawQuery != "" || u.Fragment != "" ||
			u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" {
			t.Errorf("%q is taken", uri)
		}
	})
}
