package brand

import "github.com/vouchsafe/vouchsafe/storage"

// scheme holds the colours of the pages' stylesheet in light or in dark mode.
type scheme struct {
	card, ground, soft, ink, line colour
	accent, onAccent              colour
	toText                        colour  // the colour with which an accent is mixed until text in it can be read
	deep                          float64 // how far a button's colour changes under the pointer, from 0 to 1
}

// The colours of login/ui/static/style.css. TestSchemesAreThoseOfTheStylesheet compares them.
var (
	light = scheme{card: of("#ffffff"), ground: of("#f4f5f3"), soft: of("#57635f"), ink: of("#16201f"),
		line: of("#d9deda"), accent: of("#1f5f5b"), onAccent: white, toText: black, deep: 0.2}
	dark = scheme{card: of("#172120"), ground: of("#0e1413"), soft: of("#9fb0ab"), ink: of("#e8eeec"), line: of("#2d3b38"),
		accent: of("#7fd1bd"), onAccent: of("#08211c"), toText: white, deep: 0.25}

	white, black, softBlack = of("#ffffff"), of("#000000"), of("#0b0f0e")
)

const (
	// readable is the contrast that text must have (WCAG 2.2, success criterion 1.4.3, level AA).
	readable = 4.5
	// visible is the contrast that the edge of a button and a focus ring must have (1.4.11).
	visible = 3
	// comfortable is the contrast of an accent that is made lighter for dark mode.
	comfortable = 5.5
)

// shades are the colours that follow from an accent.
type shades struct {
	text         colour // links, ticks, focus rings: readable on the card, the ground and the tint
	tint         colour // behind an initial or a row under the pointer
	fill, onFill colour // a button and its text
	deep         colour // the button under the pointer
	edge, edging colour // the button's border, and that under the pointer: visible on the card and the ground
}

// shades derives all colours from an accent, which may be any colour. The button has exactly the
// accent: a brand's yellow stays yellow. Text in that yellow could not be read, so that it is darker.
func (s scheme) shades(accent colour) shades {
	v := shades{text: s.reaching(accent, readable), fill: accent, onFill: textOn(accent)}
	tint := 0.12
	for tint > 0 && contrast(v.text, s.card.toward(v.text, tint)) < readable {
		tint -= 0.02
	}
	v.tint = s.card.toward(v.text, max(tint, 0))
	away := black // from the text of the button, so that it stays readable
	if v.onFill != white {
		away = white
	}
	v.deep = accent.toward(away, s.deep)
	v.edge, v.edging = v.edgeOf(s, v.fill), v.edgeOf(s, v.deep)
	return v
}

// edgeOf returns the border of a button of that colour.
func (v shades) edgeOf(s scheme, fill colour) colour {
	if least(fill, s.card, s.ground) >= visible {
		return fill
	}
	return v.text
}

// reaching returns c mixed with no more of the scheme's text colour than the contrast with the card
// and the ground demands.
func (s scheme) reaching(c colour, contrast float64) colour {
	share := 0.0
	for share < 1 && least(c.toward(s.toText, share), s.card, s.ground) < contrast {
		share += 0.05
	}
	return c.toward(s.toText, min(share, 1))
}

// textOn returns the colour of text on a ground. One of white and black always has a contrast of at
// least 4.5; a softer black takes the place of black where it is readable too.
func textOn(ground colour) colour {
	if contrast(ground, white) >= contrast(ground, softBlack) && contrast(ground, white) >= readable {
		return white
	}
	if contrast(ground, softBlack) >= readable {
		return softBlack
	}
	if contrast(ground, white) >= readable {
		return white
	}
	return black
}

// Palette is what a mail of a tenant needs, in light or in dark mode. All are written as #rrggbb.
type Palette struct {
	Ground, Card, Ink, Soft, Line string
	Accent                        string // links
	Fill, OnFill, Edge            string // buttons and the initial
}

// Palettes returns the colours of mails. A branding in which Check finds a fault changes nothing.
func Palettes(b storage.Branding) (inLight, inDark Palette) {
	if len(Check(b)) > 0 {
		b = storage.Branding{}
	}
	day, night := light.withGround(b.Background), dark.withGround(b.BackgroundDark)
	accent, accentDark := accentsOf(b, night)
	return day.palette(accent), night.palette(accentDark)
}

// withGround returns the scheme with another colour around the card; "" stands for its own.
func (s scheme) withGround(background string) scheme {
	if c, ok := parseColour(background); ok {
		s.ground = c
	}
	return s
}

// accentsOf returns the accents of both schemes; nil where a branding has none.
func accentsOf(b storage.Branding, night scheme) (accent, accentDark *colour) {
	if c, ok := parseColour(b.Accent); ok {
		lighter := night.reaching(c, comfortable)
		accent, accentDark = &c, &lighter
	}
	if c, ok := parseColour(b.AccentDark); ok {
		accentDark = &c
	}
	return accent, accentDark
}

// palette returns the colours of mails in this scheme; nil stands for its own accent.
func (s scheme) palette(accent *colour) Palette {
	v := shades{text: s.accent, fill: s.accent, onFill: s.onAccent, edge: s.accent}
	if accent != nil {
		v = s.shades(*accent)
	}
	return Palette{
		Ground: s.ground.String(), Card: s.card.String(), Ink: s.ink.String(), Soft: s.soft.String(), Line: s.line.String(),
		Accent: v.text.String(), Fill: v.fill.String(), OnFill: v.onFill.String(), Edge: v.edge.String(),
	}
}
