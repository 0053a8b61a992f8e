package chromiumtest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestFormRulesFindWhatChromiumFinds shows a page for each rule, and one with a form as it should be.
func TestFormRulesFindWhatChromiumFinds(t *testing.T) {
	pages := map[string]string{
		``: `<form><label for=l>x</label><input id=l name=login autocomplete=username><input type=checkbox id=c name=c>` +
			`<input type=password id=p name=p autocomplete="current-password webauthn" aria-describedby="l c"></form>`,
		`two elements have this id`: `<form><input id=l name=a autocomplete=off><input id=l name=b autocomplete=off></form>`,
		`no element has the id h`:   `<form><input id=l aria-describedby="l h" autocomplete=off></form>`,
		`the label belongs to no field`: `<form><label for=n>x</label><input id=l name=n autocomplete=off></form>` +
			`<label for=q>y</label><label>z</label>`,
		`the field has no id and no name`:       `<form><input autocomplete=off></form>`,
		`the field belongs to no form`:          `<input id=a autocomplete=off>`,
		`no such word for autocomplete`:         `<form><input id=a autocomplete=mail><input id=b autocomplete></form>`,
		`the field has no autocomplete`:         `<form><textarea id=a></textarea></form>`,
		`no username comes before the password`: `<form><input type=password id=p autocomplete=new-password></form>`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("<!doctype html><title>t</title>" + pages[r.URL.Query().Get("p")]))
	}))
	defer srv.Close()
	f := &faults{TB: t}
	ctx := New(f)
	for want := range pages {
		Do(t, ctx, chromedp.Navigate(srv.URL+"/?p="+strings.ReplaceAll(want, " ", "+")))
		var kinds []string
		for _, fault := range Run(t, ctx, chromedp.Evaluate[[]string](formRules)) {
			kind, _, _ := strings.Cut(fault, ":")
			kinds = append(kinds, kind)
		}
		if got := strings.Join(slices.Compact(kinds), ", "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
