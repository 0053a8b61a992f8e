package brand

import (
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// TestSchemesAreThoseOfTheStylesheet: contrast is judged against what pages really have.
func TestSchemesAreThoseOfTheStylesheet(t *testing.T) {
	sheet, err := os.ReadFile("../../login/ui/static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`--(card|ground|soft|ink|line|accent|fill|edge|accent-ink): (#[0-9a-f]+);`)
	all := named.FindAllStringSubmatch(string(sheet), -1)
	var got []string
	for _, m := range all {
		v := m[2]
		if len(v) == 4 {
			v = "#" + strings.Repeat(v[1:2], 2) + strings.Repeat(v[2:3], 2) + strings.Repeat(v[3:4], 2)
		}
		got = append(got, m[1]+v)
	}
	var want []string
	for _, s := range []scheme{light, dark} {
		want = append(want, "ground"+s.ground.String(), "card"+s.card.String(), "ink"+s.ink.String(), "soft"+s.soft.String(),
			"line"+s.line.String(), "accent"+s.accent.String(), "fill"+s.accent.String(), "accent-ink"+s.onAccent.String(),
			"edge"+s.accent.String())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the stylesheet has %v, want %v", got, want)
	}
}

// TestEdgesOfControlsAreVisible: fields and plain buttons are told from the card by their borders.
func TestEdgesOfControlsAreVisible(t *testing.T) {
	sheet, err := os.ReadFile("../../login/ui/static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	shares := regexp.MustCompile(`1px solid color-mix\(in srgb, var\(--soft\) ([0-9]+)%, transparent\)`).
		FindAllStringSubmatch(string(sheet), -1)
	if len(shares) < 2 {
		t.Fatalf("got %d borders, want those of fields and of buttons", len(shares))
	}
	for _, m := range shares {
		share, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range []scheme{light, dark} {
			if got := contrast(s.card.toward(s.soft, share/100), s.card); got < visible {
				t.Errorf("scheme %d, %s%%: the border has a contrast of %.2f, want %d", i, m[1], got, visible)
			}
		}
	}
}

func TestContrast(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#777777", "#ffffff", 4.48}, {"#ffffff", "#ffffff", 1}, {"#0000ff", "#ffffff", 8.59}} {
		if got := contrast(of(c.a), of(c.b)); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s on %s: got %.2f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

func TestCheckTakesWhatCanBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		branding storage.Branding
		want     string // fields at fault
	}{
		"nothing": {storage.Branding{}, ""},
		"a brand": {storage.Branding{Accent: "#B3005E", Background: "#fff0f6",
			PrivacyURI: "https://a.example/p", HelpURI: "mailto:help@a.example"}, ""},
		"a pale accent":               {storage.Branding{Accent: "#ffcc00"}, ""},
		"a dark accent in the dark":   {storage.Branding{Accent: "#b3005e", AccentDark: "#b3005e"}, ""},
		"a dark accent alone":         {storage.Branding{AccentDark: "#ffffff"}, "accent_dark"},
		"a dark background by day":    {storage.Branding{Background: "#102030"}, "background"},
		"a bright one by night":       {storage.Branding{BackgroundDark: "#ffffff"}, "background_dark"},
		"an accent on its background": {storage.Branding{Accent: "#757575", Background: "#e0e0e0"}, ""},
		"a name":                      {storage.Branding{Accent: "teal"}, "accent"},
		"an injection":                {storage.Branding{Accent: "#fff;}body{"}, "accent"},
		"signs":                       {storage.Branding{Accent: "#-1aaaa"}, "accent"},
		"underscores":                 {storage.Branding{Accent: "#1_1_11"}, "accent"},
		"a script for a link":         {storage.Branding{PrivacyURI: "javascript:alert(1)"}, "privacy_uri"},
		"a mail address for terms":    {storage.Branding{TermsURI: "mailto:a@b.example"}, "terms_uri"},
		"a link in clear":             {storage.Branding{ImprintURI: "http://a.example"}, "imprint_uri"},
		"a link with a name in it":    {storage.Branding{HelpURI: "https://bank.example@evil.example/"}, "help_uri"},
	} {
		var got []string
		for _, f := range Check(c.branding) {
			got = append(got, f.Field)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %q", name, Check(c.branding), c.want)
		}
		if c.want != "" && Sheet(c.branding) != "" {
			t.Errorf("%s: there is a sheet: %s", name, Sheet(c.branding))
		}
	}
}

// checkColours fails the test if a colour that follows from the branding cannot be read or seen.
func checkColours(t *testing.T, b storage.Branding) {
	t.Helper()
	sheet := Sheet(b)
	if sheet == "" {
		t.Fatalf("%+v is refused: %v", b, Check(b))
	}
	if day, _ := Palettes(b); day.Fill != of(b.Accent).String() || !strings.Contains(sheet, "--fill:"+day.Fill) {
		t.Errorf("%+v: buttons are not of the accent: %s", b, sheet)
	}
	inLight, inDark := Palettes(b)
	for i, part := range strings.Split(sheet, "@media")[1:] {
		s := []scheme{light.withGround(b.Background), dark.withGround(b.BackgroundDark)}[i]
		vars := map[string]colour{}
		for _, m := range regexp.MustCompile(`--([a-z-]+):(#[0-9a-f]{6})`).FindAllStringSubmatch(part, -1) {
			vars[m[1]] = of(m[2])
		}
		mail := []Palette{inLight, inDark}[i]
		for what, got := range map[string]struct{ contrast, want float64 }{
			"a link":                   {least(vars["accent"], s.card, s.ground, vars["tint"]), readable},
			"a row under the pointer":  {contrast(s.ink, vars["tint"]), readable},
			"a button":                 {contrast(vars["accent-ink"], vars["fill"]), readable},
			"a button under a pointer": {contrast(vars["accent-ink"], vars["accent-deep"]), readable},
			"a button's edge":          {least(vars["edge"], s.card, s.ground), visible},
			"its edge under a pointer": {least(vars["edge-deep"], s.card, s.ground), visible},
			"a mail's link":            {contrast(of(mail.Accent), of(mail.Card)), readable},
			"a mail's button":          {contrast(of(mail.Fill), of(mail.OnFill)), readable},
			"a mail's button's edge":   {contrast(of(mail.Edge), of(mail.Card)), visible},
			"a mail's text":            {least(of(mail.Ink), of(mail.Card), of(mail.Ground)), readable},
			"a mail's small text":      {least(of(mail.Soft), of(mail.Card), of(mail.Ground)), readable},
		} {
			if got.contrast < got.want {
				t.Errorf("%+v, scheme %d: %s has a contrast of %.2f, want %.1f", b, i, what, got.contrast, got.want)
			}
		}
	}
}

// TestEveryAccentIsReadable derives what a tenant does not say, for colours of all kinds: a brand is
// not always dark enough for text.
func TestEveryAccentIsReadable(t *testing.T) {
	for r := 0; r < 256; r += 51 {
		for g := 0; g < 256; g += 51 {
			for b := 0; b < 256; b += 51 {
				checkColours(t, storage.Branding{Accent: colour{uint8(r), uint8(g), uint8(b)}.String()})
			}
		}
	}
}

// TestRandomAccentsAreReadable: whatever a tenant chooses for both schemes and the grounds, text has a
// contrast of 4.5, and the edges of controls one of 3.
func TestRandomAccentsAreReadable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() string {
		n := r.Uint32()
		return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}.String()
	}
	for range 2000 {
		b := storage.Branding{Accent: draw()}
		if r.IntN(2) == 0 {
			b.AccentDark = draw()
		}
		if ground := draw(); contrast(light.soft, of(ground)) >= readable {
			b.Background = ground
		}
		if ground := draw(); contrast(dark.soft, of(ground)) >= readable {
			b.BackgroundDark = ground
		}
		checkColours(t, b)
	}
}

func TestOwnCSSLoadsNothing(t *testing.T) {
	for _, good := range []string{
		"", "main { border-radius: 0; box-shadow: 0 1px 2px rgb(0 0 0 / 10%) }",
		"/* Füße } url( */ h1::before { content: \"→ } @import url(x) \"; }",
		"@media (min-width: 40rem) and (prefers-color-scheme: dark) { a:not(.button):hover { color: var(--ink) } }",
		"body{background:linear-gradient(90deg,#fff 0%,hsl(1 2% 3%))}\n@supports " +
			"(display:grid){.pair{grid-template-columns:repeat(2,minmax(0,1fr))}}",
		"h1{font-family:Georgia,serif;width:calc((100% - 2rem)/2)}",
	} {
		if got := checkCSS(good); got != "" {
			t.Errorf("%s: got %s", good, got)
		}
	}
	for _, bad := range []string{
		`input[value^="a"] { background: url(https://evil.example/a) }`, `a{background:URL("https://evil.example")}`,
		`a{background:url('x')}`,
		`@import "https://evil.example/x.css";`, `@IMPORT url(x);`, `@font-face { font-family: x; src: local(y) }`,
		`@namespace x "y";`, `@charset "x";`, `@property --x {}`, `@ import "x"`, `@"x"`,
		`a{background:image-set("https://evil.example/x" 1x)}`, `a{background:-webkit-image-set("x" 1x)}`,
		`a{background:image("x")}`, `a{background:cross-fade("x", "y")}`,
		`a{background:\75rl(https://evil.example)}`, `a{background:u\rl(x)}`, `@\69mport "x"`, `a{content:attr(value)}`,
		`a{src:src("x")}`, `a{background:element(#x)}`, `a{background:paint(x)}`,
		`</style><script>alert(1)</script>`, `a{content:"</style>"}`, `/* </style> */`, `<!-- a{} -->`,
		`/* never ends`, `a{content:"never ends}`, "a{content:\"never\nends\"}", `a{`, `a}`, `a{(}`, `a{)}`,
		`}{`, `a[b{]}`, `:is(a`,
		"a{color:r\x00ed}", "a{}\f", "a{}\r\n", "a{color:\u2028}", "ſ{}", "a{background:\u0131mage(x)}", "a{color:\xff}",
		"a{x:expressıon(1)}", `a{width:expression(alert(1))}`,
		strings.Repeat("a{}", maxCSS),
	} {
		if got := checkCSS(bad); got == "" {
			t.Errorf("%s is taken", bad)
		}
	}
}

func FuzzCheckCSS(f *testing.F) {
	f.Add("a{color:red}/*x*/@media (x){b{c:\"d\"}}")
	f.Add(`a{background:\75rl(x)}`)
	loads := regexp.MustCompile(`(?i)(url|image|image-set|src|element|attr|expression|cross-fade)\(|@import|@font-face|</`)
	comments := regexp.MustCompile(`(?s)/\*.*?\*/|"[^"\n]*"|'[^'\n]*'`)
	f.Fuzz(func(t *testing.T, css string) {
		if checkCSS(css) != "" {
			return
		}
		if got := loads.FindString(comments.ReplaceAllString(css, "\x01")); got != "" {
			t.Errorf("%q loads by %q", css, got)
		}
	})
}

// TestCSSIsCheckedQuickly: it is, before every page.
func TestCSSIsCheckedQuickly(t *testing.T) {
	own := storage.Branding{CSS: strings.Repeat(".a{color:var(--accent);margin:calc(1px + 2px)}\n", 650)}
	start := time.Now()
	for range 20 {
		if Sheet(own) == "" {
			t.Fatal("it was refused")
		}
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("20 times 30 KB took %v", took)
	}
}
