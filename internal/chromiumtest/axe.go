package chromiumtest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe returns the source of axe-core, which make setup installs beside the npm clients of the
// end-to-end tests. It looks for them above the folder of the test, because a build with -trimpath does not know where
// its own source is.
var axe = sync.OnceValues(func() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for filepath.Dir(root) != root {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		root = filepath.Dir(root)
	}
	source, err := os.ReadFile(filepath.Join(root, "e2e/clients/npm/node_modules/axe-core/axe.min.js"))
	return string(source), err
})

// violation is one finding of axe-core.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

// Accessible checks the page that is shown for barriers, in both colour schemes, and its forms by the
// rules of Chromium's console. It fails the test for findings that axe-core calls serious or critical, and
// logs the others.
func Accessible(t testing.TB, ctx context.Context, name string) {
	t.Helper()
	source, err := axe()
	if err != nil {
		t.Fatalf("axe-core is not installed: run make setup, or npm ci in e2e/clients/npm: %v", err)
	}
	for _, fault := range Run(t, ctx, chromedp.Evaluate[[]string](formRules)) {
		t.Errorf("%s: %s", name, fault)
	}
	if Run(t, ctx, chromedp.Evaluate[bool](`matchMedia("(scripting: none)").matches`)) {
		Script(t, ctx, true) // axe-core needs the timers of the page
		defer Script(t, ctx, false)
	}
	Do(t, ctx, chromedp.Evaluate[chromedp.Void](source))
	for _, look := range []struct{ scheme, rules string }{
		{"light", ""},
		// only colours differ in the dark
		{"dark", `, runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}`},
	} {
		Scheme(t, ctx, look.scheme)
		run := `axe.run({resultTypes: ["violations"]` + look.rules + `}).then(r => r.violations)`
		found := Run(t, ctx, chromedp.Evaluate[[]violation](run, chromedp.EvalAwaitPromise))
		for _, v := range found {
			say := t.Logf
			if slices.Contains([]string{"serious", "critical"}, v.Impact) {
				say = t.Errorf
			}
			for _, n := range v.Nodes {
				say("%s, %s: %s (%s): %s\n%s", name, look.scheme, v.Help, v.Impact, n.HTML, strings.TrimSpace(n.FailureSummary))
			}
		}
	}
}
