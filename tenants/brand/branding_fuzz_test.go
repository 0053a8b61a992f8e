package brand

import (
	"regexp"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// sheetForm is all that colours may become.
var sheetForm = regexp.MustCompile(
	`^(@media \(prefers-color-scheme:(light|dark)\)\{:root\{(--[a-z-]+:#[0-9a-f]{6};)+\}\}\n)*$`)

// FuzzBranding: colours become variables of colours and nothing else, text in them can be
// read, and links lead to https or mail alone (J1).
func FuzzBranding(f *testing.F) {
	for _, s := range []string{"", "#1f5f5b", "#FFFFFF", "#fff", "red", "#12345g", "#+12345", "#1_2345", "#000000;}body{",
		"url(//evil.example)", "\xff"} {
		f.Add(s, "", "", "https://a.example/p")
		f.Add("#1f5f5b", s, s, s)
	}
	f.Add("", "", "", "javascript:alert(1)")
	f.Add("", "", "", "https://u:p@a.example")
	f.Add("", "", "", "mailto:a@example.com?subject=x")
	f.Fuzz(func(t *testing.T, accent, dark1, ground, link string) {
		b := storage.Branding{Accent: accent, AccentDark: dark1, Background: ground, BackgroundDark: ground,
			HelpURI: link, TermsURI: link}
		faults := Check(b)
		sheet := Sheet(b)
		if len(faults) > 0 && sheet != "" {
			t.Errorf("%v, and yet %q", faults, sheet)
		}
		if !sheetForm.MatchString(sheet) {
			t.Errorf("%+v becomes %q", b, sheet)
		}
		for _, mail := range []bool{true, false} {
			to := Link(link, mail)
			if to != "" && !strings.HasPrefix(to, "https://") && (!mail || !strings.HasPrefix(to, "mailto:")) ||
				strings.ContainsAny(to, "\"<> \r\n") {
				t.Errorf("%q leads to %q", link, to)
			}
		}
	})
}
