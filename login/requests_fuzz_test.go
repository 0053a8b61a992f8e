package login

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// FuzzLanguage: whatever a browser wishes for, pages speak one of our languages, and the
// one that it names when it names one alone.
func FuzzLanguage(f *testing.F) {
	for _, header := range []string{"", "de-CH,de;q=0.9,en;q=0.8", "uk", "*", "de;q=0", "de;q=1e9", "en-t-" + strings.Repeat("en-t-", 90), strings.Repeat("a,", 300), "../../etc/passwd", "de\x00", "x-" + strings.Repeat("a", 600)} {
		f.Add(header, header)
		f.Add(header, "")
		f.Add("", header)
	}
	f.Fuzz(func(t *testing.T, header, locales string) {
		r := httptest.NewRequest(http.MethodGet, "/?"+url.Values{"ui_locales": {locales}}.Encode(), nil)
		r.Header.Set("Accept-Language", header)
		got := languageOf(r)
		if !slices.Contains(Languages(), got) || texts()[got] == nil {
			t.Fatalf("%q, %q: got %q", header, locales, got)
		}
		if slices.Contains(Languages(), locales) && got != locales {
			t.Errorf("%q: got %q", locales, got)
		}
		if len(accepted(header)) > longestWishing {
			t.Errorf("%d wishes", len(accepted(header)))
		}
	})
}

// FuzzRememberedCookie: of any cookie come few tokens, each of the form that was given out;
// written again they are the same, and fit what a browser keeps.
func FuzzRememberedCookie(f *testing.F) {
	tenant := &web.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant}, Issuer: "https://id.example", Secure: true}
	one := strings.Repeat("i", 36) + "." + strings.Repeat("s", 43)
	for _, value := range []string{"", one, one + "~" + one, strings.Repeat(one+"~", 40), "~~~", strings.Repeat(".", 100), one + ".x", strings.Repeat("~", 4000)} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		read := func(value string) map[string]string {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r = r.WithContext(web.WithTenant(r.Context(), tenant))
			// The name that browser.SetCookie gives it.
			w := httptest.NewRecorder()
			browser.SetCookie(w, r, rememberedCookie, "x", 1e12)
			r.Header.Set("Cookie", w.Result().Cookies()[0].Name+"="+value)
			return deviceTokens(r)
		}
		held := read(value)
		if len(held) > maxRemembered {
			t.Errorf("%d devices", len(held))
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r = r.WithContext(web.WithTenant(r.Context(), tenant))
		w := httptest.NewRecorder()
		setDeviceTokens(w, r, held)
		if len(w.Header().Get("Set-Cookie")) > 4096 {
			t.Errorf("a browser keeps no cookie of %d bytes", len(w.Header().Get("Set-Cookie")))
		}
		if len(held) == 0 {
			return
		}
		again := read(w.Result().Cookies()[0].Value)
		if len(again) != len(held) {
			t.Errorf("%q: of %d devices come back %d", value, len(held), len(again))
		}
		for id, token := range held {
			if again[id] != token {
				t.Errorf("%q comes back as %q", token, again[id])
			}
		}
	})
}
