package ui

import (
	"regexp"
	"strings"
	"testing"
)

// TestFaultyFieldsLookFaulty: the rule for a field's border is not more specific than that for a faulty
// field, which comes after it.
func TestFaultyFieldsLookFaulty(t *testing.T) {
	t.Parallel()
	sheet, err := staticFiles.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.Index(string(sheet), "\ninput:not([type=hidden], [type=checkbox]), select, textarea {")
	faulty := strings.Index(string(sheet),
		"\n:is(input:not([type=hidden], [type=checkbox]), select, textarea)[aria-invalid] {")
	if plain < 0 || faulty < plain {
		t.Errorf("got the rules at %d and %d", plain, faulty)
	}
}

// TestFocusRingsAreSolid: package brand computes the contrast of accents. A ring that is mixed with what is
// below it has less.
func TestFocusRingsAreSolid(t *testing.T) {
	t.Parallel()
	sheet, err := staticFiles.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	rings := regexp.MustCompile(`(?m)^.*focus-visible.*$`).FindAllString(string(sheet), -1)
	if len(rings) == 0 ||
		!strings.Contains(rings[0], ":focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }") {
		t.Fatalf("got %q", rings)
	}
	for _, rule := range rings {
		if strings.Contains(rule, "color-mix") || strings.Contains(rule, "none") || strings.Contains(rule, "outline: 0") {
			t.Errorf("a ring that is hard to see: %s", rule)
		}
	}
}
