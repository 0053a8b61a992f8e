package brand

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Fault is one thing that is wrong with a branding. Field is the name of the setting below
// branding.
type Fault struct{ Field, Message string }

// Check returns all that is wrong with a branding.
func Check(b storage.Branding) []Fault {
	var fs []Fault
	wrong := func(field, format string, args ...any) { fs = append(fs, Fault{field, fmt.Sprintf(format, args...)}) }
	for _, f := range []struct{ name, value string }{
		{"accent", b.Accent}, {"accent_dark", b.AccentDark}, {"background", b.Background},
		{"background_dark", b.BackgroundDark},
	} {
		if _, ok := parseColour(f.value); f.value != "" && !ok {
			wrong(f.name, "%q isn't a colour: write one, such as #1f5f5b", f.value)
		}
	}
	for _, f := range []struct {
		name, value string
		scheme      scheme
	}{{"background", b.Background, light}, {"background_dark", b.BackgroundDark, dark}} {
		ground, ok := parseColour(f.value)
		if c := contrast(f.scheme.soft, ground); ok && c < readable {
			wrong(f.name, "text is hard to read on %s: it has a contrast of %.1f, and needs %.1f", f.value, c, readable)
		}
	}
	if b.AccentDark != "" && b.Accent == "" {
		wrong("accent_dark", "it is set, and accent isn't: write both")
	}
	for _, f := range []struct{ name, value string }{
		{"privacy_uri", b.PrivacyURI}, {"terms_uri", b.TermsURI}, {"help_uri", b.HelpURI}, {"imprint_uri", b.ImprintURI},
	} {
		if f.value != "" && Link(f.value, f.name == "help_uri") == "" {
			wrong(f.name, "%q isn't an https URL", f.value)
		}
	}
	if m := checkCSS(b.CSS); m != "" {
		wrong("css", "%s", m)
	}
	return fs
}

// Link returns the URL if pages may link to it, and "" otherwise. mail allows mailto addresses as
// well.
func Link(s string, mail bool) string {
	u, err := url.Parse(s)
	switch {
	// url.URL.String does not escape these characters in a host
	case err != nil || u.User != nil, strings.ContainsAny(u.String(), "\"<> "):
		return ""
	case u.Scheme == "https" && u.Host != "", mail && u.Scheme == "mailto" && strings.Contains(u.Opaque, "@"):
		return u.String()
	}
	return ""
}

// Sheet returns the stylesheet of a branding, which comes after that of the pages. It returns ""
// for a branding that changes nothing, and for one in which Check finds a fault.
func Sheet(b storage.Branding) string {
	if len(Check(b)) > 0 {
		return ""
	}
	day, night := light.withGround(b.Background), dark.withGround(b.BackgroundDark)
	accent, accentDark := accentsOf(b, night)
	var out strings.Builder
	if vars := day.variables(accent, b.Background); vars != "" {
		out.WriteString("@media (prefers-color-scheme:light){:root{" + vars + "}}\n")
	}
	if vars := night.variables(accentDark, b.BackgroundDark); vars != "" {
		out.WriteString("@media (prefers-color-scheme:dark){:root{" + vars + "}}\n")
	}
	out.WriteString(b.CSS)
	return out.String()
}

// variables returns the CSS variables that the accent and the background set in this scheme.
func (s scheme) variables(accent *colour, background string) string {
	var out strings.Builder
	set := func(name string, c colour) { fmt.Fprintf(&out, "--%s:%s;", name, c) }
	if background != "" {
		set("ground", s.ground)
	}
	if accent != nil {
		v := s.shades(*accent)
		set("accent", v.text)
		set("tint", v.tint)
		set("fill", v.fill)
		set("accent-ink", v.onFill)
		set("accent-deep", v.deep)
		set("edge", v.edge)
		set("edge-deep", v.edging)
	}
	return out.String()
}
