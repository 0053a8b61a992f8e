package browser_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// FuzzCookies: a cookie that the server did not issue signs no user in. Whatever a browser sends,
// the cookies that it gets fit the limits of browsers (B2, B3).
func FuzzCookies(f *testing.F) {
	sessions, _ := open(f)
	id, mac := strings.Repeat("i", 43), strings.Repeat("m", 43)
	for _, v := range []string{"", id, id + "." + mac, id + strings.Repeat("."+mac, 20),
		id + "." + strings.Repeat("x", 6000), id + "..", id + "." + mac + "\xff",
		strings.Repeat("i", 36) + "." + id + ".zz", strings.Repeat(strings.Repeat("i", 36)+"."+id+".zz~", 50),
		"0190\x00." + id + ".1", `"` + id + `"`, strings.Repeat("i", 36) + "." + id + ".-zzzzzzzzzzzzz"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r = r.WithContext(web.WithTenant(r.Context(), secure))
		for _, name := range []string{"session", "browser"} {
			r.Header.Add("Cookie", "__Host-vouchsafe-"+name+"="+value)
		}
		if all, err := sessions.All(r); err != nil || len(all) > 0 {
			t.Fatalf("%q: got %v, %v", value, all, err)
		}
		w := httptest.NewRecorder()
		browser.Binding(w, r)
		if err := sessions.End(w, r, nil, "x"); err != nil {
			t.Fatal(err)
		}
		for _, line := range w.Header().Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			if err != nil || len(c.Name)+len(c.Value) > 4096 || !c.Secure || !c.HttpOnly { // RFC 6265bis section 5.7
				t.Errorf("%.80q: sets %d bytes, %.80q, %v", value, len(line), line, err)
			}
		}
	})
}
