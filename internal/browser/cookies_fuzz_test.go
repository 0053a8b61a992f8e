package browser_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// FuzzCookies: no cookie that was not given out signs anybody in or makes a browser known,
// and whatever a browser sends, what it is given fits what browsers keep (B2, B3).
func FuzzCookies(f *testing.F) {
	masters, err := secret.Parse(strings.Repeat("a", 32))
	if err != nil {
		f.Fatal(err)
	}
	sessions, _ := open(f)
	devices := &browser.Devices{Secrets: masters}
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
		for _, name := range []string{"session", "device", "browser"} {
			r.Header.Add("Cookie", "__Host-vouchsafe-"+name+"="+value)
		}
		if all, err := sessions.All(r); err != nil || len(all) > 0 {
			t.Fatalf("%q: got %v, %v", value, all, err)
		}
		if _, known := devices.Known(r, "jo"); known {
			t.Fatalf("%q is known", value)
		}
		w := httptest.NewRecorder()
		devices.Remember(w, r, "jo")
		browser.Binding(w, r)
		if err := sessions.End(w, r, nil, "x"); err != nil {
			t.Fatal(err)
		}
		back := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, line := range w.Header().Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			if err != nil || len(c.Name)+len(c.Value) > 4096 || !c.Secure || !c.HttpOnly { // RFC 6265bis section 5.7
				t.Errorf("%.80q: sets %d bytes, %.80q, %v", value, len(line), line, err)
				continue
			}
			back.AddCookie(c)
		}
		back = back.WithContext(web.WithTenant(back.Context(), secure))
		if _, known := devices.Known(back, "jo"); !known {
			t.Errorf("%.80q: the browser that jo signed in with is not known", value)
		}
	})
}
