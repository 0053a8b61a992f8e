package brand

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// scheme is what the stylesheet of the pages has in light or dark mode.
type scheme struct {
	card, ground, soft, ink colour
	deepen                  colour  // toward this, accents go when the pointer is on them
	deep                    float64 // and so far
}

// They are those of login/ui/static/style.css: TestSchemesAreThoseOfTheStylesheet.
var (
	light = scheme{card: of("#ffffff"), ground: of("#f4f5f3"), soft: of("#57635f"), ink: of("#16201f"), deepen: of("#000000"), deep: 0.2}
	dark  = scheme{card: of("#172120"), ground: of("#0e1413"), soft: of("#9fb0ab"), ink: of("#e8eeec"), deepen: of("#ffffff"), deep: 0.25}

	white, black = of("#ffffff"), of("#0b0f0e")
)

// Fault is one thing that is wrong with a branding.
type Fault struct{ Field, Message string }

// Check says all that is wrong with a branding.
func Check(b storage.Branding) []Fault {
	var fs []Fault
	wrong := func(field, format string, args ...any) { fs = append(fs, Fault{field, fmt.Sprintf(format, args...)}) }
	for _, f := range []struct{ name, value string }{
		{"accent", b.Accent}, {"accent_dark", b.AccentDark}, {"background", b.Background}, {"background_dark", b.BackgroundDark},
	} {
		if _, ok := parseColour(f.value); f.value != "" && !ok {
			wrong(f.name, "%q is no colour: write one such as #1f5f5b", f.value)
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
					wrong("background"+s.suffix, "text is hard to read on %s: it has a contrast of %.1f, and needs %.1f", s.background, c, readable)
					continue
				}
			}
			if s.accent != "" {
				if c := least(of(s.accent), s.scheme.card, s.scheme.ground); c < readable {
					wrong("accent"+s.suffix, "%s is hard to read on the page: it has a contrast of %.1f, and needs %.1f", s.accent, c, readable)
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
			wrong(f.name, "%q is no https URL", f.value)
		}
	}
	if m := checkCSS(b.CSS); m != "" {
		wrong("css", "%s", m)
	}
	return fs
}

// Link is the URL if it is one that pages may lead to, else "".
func Link(s string, mail bool) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.User != nil, strings.ContainsAny(u.String(), "\"<> "): // Go escapes none of them in a host
		return ""
	case u.Scheme == "https" && u.Host != "", mail && u.Scheme == "mailto" && strings.Contains(u.Opaque, "@"):
		return u.String()
	}
	return ""
}

// Sheet is the stylesheet of a branding, to come after that of the pages; "" when it
// changes nothing, or is not one that Check lets through.
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

// lighten is the accent for dark mode, no lighter than it takes.
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
		// As much of the accent as what is written on it in the accent itself can bear.
		tint := 0.12
		for tint > 0 && contrast(c, s.card.toward(c, tint)) < readable {
			tint -= 0.02
		}
		set("tint", s.card.toward(c, max(tint, 0)))
	}
	return out.String()
}
