package chromiumtest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestABrowserSubmitsAForm(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`<title>form</title><form method=post><input id=a name=a><button ` +
			`id=b>Go</button></form><script>document.title = "script"</script>`))
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/done?a="+r.PostFormValue("a"), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /done", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("<title>" + r.FormValue("a") + "</title>"))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()

	ctx := New(t)
	for _, script := range []bool{true, false} {
		Script(t, ctx, script)
		Scheme(t, ctx, "dark")
		Do(t, ctx, chromedp.Navigate(srv.URL))
		if got, want := Run(t, ctx, chromedp.Title()), map[bool]string{true: "script", false: "form"}[script]; got != want {
			t.Errorf("with scripts %v: got title %q, want %q", script, got, want)
		}
		Do(t, ctx, chromedp.SendKeys(chromedp.ID("a"), "hello"))
		Submit(t, ctx, chromedp.Click(chromedp.ID("b")))
		if got := Run(t, ctx, chromedp.Title()); got != "hello" {
			t.Errorf("got title %q, want hello", got)
		}
	}
}
