package login

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

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
