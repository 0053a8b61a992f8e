package clients

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// The sector is the host of all redirect URIs or of sector_identifier_uri; no client joins the sector of a host that
// does not say so itself.
func TestSector(t *testing.T) {
	t.Parallel()
	type row struct {
		client storage.Client
		want   string
	}
	device := func(uri string) row {
		return row{storage.Client{ClientID: "c", RedirectURIs: []string{uri}}, "client:c"}
	}
	for name, c := range map[string]row{
		"one host": {storage.Client{RedirectURIs: []string{"https://app.example/a", "https://app.example/b"}},
			"app.example"},
		"ports are ignored": {storage.Client{
			RedirectURIs: []string{"https://app.example/a", "https://app.example:8443/"}}, "app.example"},
		"another host": {storage.Client{RedirectURIs: []string{"https://app.example.com/a"}}, "app.example.com"},
		"several hosts": {storage.Client{ClientID: "c", RedirectURIs: []string{"https://a.example/", "https://b.example/"}},
			"client:c"},
		"sector uri": {storage.Client{SectorIdentifierURI: "https://sector.example/list.json",
			RedirectURIs: []string{"https://a.example/", "https://b.example/"}}, "sector.example"},
		"a host and a scheme that any app can claim": {storage.Client{ClientID: "c",
			RedirectURIs: []string{"https://bank.example/cb", "com.evil.app:/cb"}}, "client:c"},
		"a host and this machine": {storage.Client{ClientID: "c",
			RedirectURIs: []string{"https://bank.example/cb", "http://127.0.0.1/cb"}}, "client:c"},
		"loopback is no host":       device("http://127.0.0.1/cb"),
		"nor is localhost":          device("http://localhost:3000/cb"),
		"custom scheme":             device("com.example.app:/cb"),
		"custom scheme with a host": device("com.evil.app://bank.example/cb"),
		"no redirect URI":           {storage.Client{ClientID: "c"}, "client:c"},
	} {
		if got := Sector(&c.client); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestCheckSector(t *testing.T) {
	t.Parallel()
	c := &storage.Client{RedirectURIs: []string{"https://a.example/", "https://b.example/cb"}}
	for document, ok := range map[string]bool{
		`["https://a.example/","https://b.example/cb"]`:                   true,
		` ["x", "https://b.example/cb", "https://a.example/", "x"] `:      true,
		`["https://a.example/"]`:                                          false,
		`["https://a.example","https://b.example/cb"]`:                    false, // without the slash
		`["https://A.example/","https://b.example/cb"]`:                   false,
		`["https://a.example/*","https://b.example/*"]`:                   false,
		`{"redirect_uris":["https://a.example/","https://b.example/cb"]}`: false,
		`["https://a.example/","https://b.example/cb"] trailing`:          false,
		`["https://a.example/",{"x":1},"https://b.example/cb"]`:           false,
		`"https://a.example/"`:                                            false,
		`null`:                                                            false, ``: false, `[]`: false, `[null]`: false,
	} {
		if err := CheckSector(c, []byte(document)); (err == nil) != ok {
			t.Errorf("%s: got %v, want accepted %v", document, err, ok)
		}
	}
	if err := CheckSector(&storage.Client{}, make([]byte, MaxSectorDocument+1)); err == nil {
		t.Error("a huge document was taken")
	}
}

func FuzzCheckSector(f *testing.F) {
	f.Add(`["https://a.example/"]`, "https://a.example/")
	f.Add(`[]`, "")
	f.Add(`[[[[`, "x")
	f.Fuzz(func(t *testing.T, document, uri string) {
		c := &storage.Client{RedirectURIs: []string{uri, "https://never.example/listed"}}
		if err := CheckSector(c, []byte(document)); err == nil && len(document) < len(`["https://never.example/listed"]`) {
			t.Errorf("%q lists all of %q", document, c.RedirectURIs)
		}
	})
}
