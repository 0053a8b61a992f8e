package chromiumtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// faults records what would have failed a test.
type faults struct {
	testing.TB
	said []string
}

func (f *faults) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func TestAccessibleFindsWhatIsWrong(t *testing.T) {
	const page = `<!doctype html><html lang="en"><title>t</title><meta name="color-scheme" content="light dark">
<style>@media (prefers-color-scheme: dark) { p { background: #000; color: #333 } }</style><main><h1>t</h1><p>dim at night</p>%s</main>`
	field := `<input>`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, page, field)
	}))
	defer srv.Close()
	for _, script := range []bool{true, false} {
		ctx := New(t)
		Script(t, ctx, script)
		Do(t, ctx, chromedp.Navigate(srv.URL))
		f := &faults{TB: t}
		Accessible(f, ctx, "page")
		all := strings.Join(f.said, "\n")
		if !strings.Contains(all, "page, light: Form elements must have labels (critical): <input>") ||
			!strings.Contains(all, "page, dark: ") || strings.Contains(all, "page, light: Elements must meet") ||
			!strings.Contains(all, "page, dark: Elements must meet") {
			t.Errorf("with scripts %v: got %q", script, f.said)
		}
		if got := Run(t, ctx, chromedp.Evaluate[bool](`matchMedia("(scripting: none)").matches`)); got == script {
			t.Errorf("with scripts %v: the page is left with the contrary", script)
		}
	}
}
