package mail

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

var pictures = flag.String("pictures", "", "write what the mails look like into this directory")

// TestScreenshots writes what every mail looks like in a narrow and a wide window, in light and dark
// mode and in the languages with the longest words. It checks nothing: make screenshots runs it for the eye.
func TestScreenshots(t *testing.T) {
	if *pictures == "" {
		t.Skip("make screenshots runs it")
	}
	tenants := map[string]storage.Tenant{"acme": acme, "honey": honey, "plain": {ID: "plain", Name: "Plain"}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		part := strings.Split(r.URL.Path, "/")
		tenant := tenants[part[1]]
		tenant.LogoURI = ""
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(rendered(t, part[3], part[2], tenant).HTML))
	}))
	defer srv.Close()
	ctx := chromiumtest.New(t)
	for tenant := range tenants {
		for _, lang := range []string{"en", "de", "ru"} {
			for _, name := range names {
				if tenant != "acme" && (name != "account-changed" && name != "sign-in" || lang != "en") {
					continue
				}
				chromiumtest.Do(t, ctx, chromedp.Navigate(srv.URL+"/"+tenant+"/"+lang+"/"+name))
				for size, width := range map[string]int64{"390": 390, "1280": 1280} {
					chromiumtest.Do(t, ctx, chromedp.EmulateViewport(width, 500))
					if over := chromiumtest.Run(t, ctx,
						chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); over > width {
						t.Errorf("%s/%s is %d pixels wide in a window of %d", lang, name, over, width)
					}
					for _, scheme := range []string{"light", "dark"} {
						chromiumtest.Scheme(t, ctx, scheme)
						file := strings.Join([]string{"mail-" + tenant + "-" + name, lang, size, scheme}, "_") + ".png"
						picture := chromiumtest.Run(t, ctx, chromedp.FullScreenshot(100))
						if err := os.WriteFile(filepath.Join(*pictures, file), picture, 0o644); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
	}
}
