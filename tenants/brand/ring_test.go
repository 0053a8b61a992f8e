package brand

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// ringContrast is what a focus ring needs beside what is around it (WCAG 2.2, 1.4.11 and 2.4.13).
const ringContrast = 3

// TestFocusRingsCanBeSeen: rings have the colour of accents, or of faults, in the stylesheet of all pages. The
// accents of tenants have at least the contrast of text: see TestEveryAccentIsReadable.
func TestFocusRingsCanBeSeen(t *testing.T) {
	sheet, err := os.ReadFile("../../login/ui/static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	bright, night, ok := strings.Cut(string(sheet), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("the stylesheet has no colours for the dark")
	}
	for name, part := range map[string]string{"light": bright, "dark": night} {
		colours := map[string]colour{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]+);`).FindAllStringSubmatch(part, -1) {
			hex := m[2]
			if len(hex) == 4 {
				hex = "#" + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:3], 2) + strings.Repeat(hex[3:4], 2)
			}
			colours[m[1]] = of(hex)
		}
		for _, ring := range []string{"accent", "bad"} {
			got := least(colours[ring], colours["card"], colours["ground"], colours["field"], colours["tint"])
			if got < ringContrast {
				t.Errorf("%s: a ring of --%s has a contrast of %.2f, and needs %d", name, ring, got, ringContrast)
			}
		}
	}
	if readable < ringContrast {
		t.Errorf("accents need a contrast of %v only", readable)
	}
}
