package brand

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// scheme holds the colours of the pages' stylesheet in light or in dark mode.
type scheme struct {
	card, ground, soft, ink colour
	deepen                  colour  // the colour that accents are mixed with under the pointer
	deep                    float64 // the share of deepen in that mix, from 0 to 1
}

// The colours of login/ui/static/style.css. TestSchemesAreThoseOfTheStylesheet compares them.
var (
	light = scheme{card: of("#ffffff"), ground: of("#f4f5f3"), soft: of("#57635f"), ink: of("#16201f"),
		deepen: of("#000000"), deep: 0.2}
	dark = scheme{card: of("#172120"), ground: of("#0e1413"), soft: of("#9fb0ab"), ink: of("#e8eeec"),
		deepen: of("#ffffff"), deep: 0.25}

	white, black = of("#ffffff"), of("#0b0f0e")
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
	if len(fs) == 0 {
		for _, s := range []struct {
			suffix, accent, background string
			scheme                     scheme
		}{{"", b.Accent, b.Background, light}, {"_dark", b.AccentDark, b.BackgroundDark, dark}} {
			if s.background != "" {
				s.scheme.ground = of(s.background)
				if c := least(s.scheme.soft, s.scheme.ground); c < readable {
					wrong("background"+s.suffix, "text is hard to read on %s: it has a contrast of %.1f, and needs %.1f",
						s.background, c, readable)
					continue
				}
			}
			if s.accent != "" {
				if c := least(of(s.accent), s.scheme.card, s.scheme.ground); c < readable {
					wrong("accent"+s.suffix, "%s is hard to read on the page: it has a contrast of %.1f, and needs %.1f", s.accent, c,
						readable)
				}
			}
		}
	}
	if b.AccentDark != "" && b.Accent == "" {
		wrong("accent_dark", "and no accent: write both")
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
	var out strings.Builder
	if vars := light.variables(b.Accent, b.Background); vars != "" {
		out.WriteString("@media (prefers-color-scheme:light){:root{" + vars + "}}\n")
	}
	if b.AccentDark == "" && b.Accent != "" {
		b.AccentDark = lighten(of(b.Accent), b.BackgroundDark).String()
	}
	if vars := dark.variables(b.AccentDark, b.BackgroundDark); vars != "" {
		out.WriteString("@media (prefers-color-scheme:dark){:root{" + vars + "}}\n")
	}
	out.WriteString(b.CSS)
	return out.String()
}

// lighten returns the accent for dark mode: the given one with no more white than contrast demands.
func lighten(c colour, background string) colour {
	ground := dark.ground
	if background != "" {
		ground = of(background)
	}
	share := 0.0
	for share < 1 && least(c.toward(white, share), dark.card, ground) < readable+1 {
		share += 0.05
	}
	return c.toward(white, share)
}

// variables returns the CSS variables that the accent and the background set in this scheme.
func (s scheme) variables(accent, background string) string {
	var out strings.Builder
	set := func(name string, c colour) { fmt.Fprintf(&out, "--%s:%s;", name, c) }
	if background != "" {
		set("ground", of(background))
	}
	if accent != "" {
		c := of(accent)
		set("accent", c)
		set("accent-deep", c.toward(s.deepen, s.deep))
		ink := white
		if contrast(c, black) > contrast(c, white) {
			ink = black
		}
		set("accent-ink", ink)
		set("spot", ink)
		// The tint contains as much of the accent as text in the accent's colour on it allows.
		tint := 0.12
		for tint > 0 && contrast(c, s.card.toward(c, tint)) < readable {
			tint -= 0.02
		}
		set("tint", s.card.toward(c, max(tint, 0)))
	}
	return out.String()
}
