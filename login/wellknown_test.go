package login

import (
	"bytes"
	"image/png"
	"net/http"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Browsers, telephones and password managers ask for these without being told of them.
func TestPathsThatBrowsersAskForByThemselves(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, tenant := range []storage.Tenant{
		{ID: "rosy", Settings: storage.TenantSettings{Branding: storage.Branding{Accent: "#b3005e"}}},
		{ID: "logo", LogoURI: "https://logo.example/logo.svg"},
	} {
		if err := s.store.AddTenant(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	v := s.visitor()
	if p := v.get("/.well-known/change-password"); p.leads() != "/account/password" {
		t.Errorf("the way to a new password: got %d to %q", p.status, p.location())
	}
	if p := v.get("/t/rosy/.well-known/change-password"); p.leads() != "/t/rosy/account/password" {
		t.Errorf("the way to a new password of a tenant: got %d to %q", p.status, p.location())
	}
	// Password managers believe a change-password of no site that answers everything.
	if p := v.get(
		"/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"); p.status != http.StatusNotFound {
		t.Errorf("what there is not: got %d, want 404", p.status)
	}
	seen := map[string]string{}
	for _, base := range []string{"", "/t/rosy"} {
		for path, size := range map[string]int{"/favicon.ico": 32, "/apple-touch-icon.png": 180,
			"/apple-touch-icon-precomposed.png": 180} {
			p := v.get(base + path)
			picture, kind := []byte(p.body), "image/png"
			if path == "/favicon.ico" {
				picture, kind = picture[min(22, len(picture)):], "image/vnd.microsoft.icon"
			}
			img, err := png.Decode(bytes.NewReader(picture))
			if err != nil || p.status != http.StatusOK || img.Bounds().Dx() != size || p.header.Get("Content-Type") != kind {
				t.Fatalf("%s: got %d of type %q, %v", base+path, p.status, p.header.Get("Content-Type"), err)
			}
			if other, ok := seen[path]; ok && other == p.body {
				t.Errorf("%s: a tenant of its own colour has the same picture as another", path)
			}
			seen[path] = p.body
			if got := p.header.Get("Set-Cookie"); got != "" {
				t.Errorf("%s: a cookie comes with what caches keep: %s", path, got)
			}
		}
	}
	if p := v.get("/t/logo/favicon.ico"); p.leads() != "https://logo.example/logo.svg" {
		t.Errorf("a tenant with a logo: got %d to %q", p.status, p.location())
	}
}
