package brand

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Acme":                              "A",
		"  acme rockets":                    "A",
		"«Élan»":                            "É",
		"e\u0301lan":                        "É", // in two code points
		"ёлка":                              "Ё",
		"ςigma":                             "Σ",
		"straße":                            "S",
		"ǆep":                               "ǅ",
		"საქართველო":                        "ს", // Georgian has no capitals at the beginning of names
		"42 AG":                             "4",
		"日本":                                "日",
		"한국":                                "한",
		"\u1112\u1161\u11ab국":               "한",
		"क्षमा":                             "क्ष", // one letter to its readers
		"கொடி":                              "கொ",
		"أكمي":                              "أ",
		"שלום":                              "ש",
		"\u202eevil":                        "E", // what turns text around is no letter
		"\u200fעברית":                       "ע",
		"<script>":                          "S",
		"🚀 Acme":                            "A",
		"🚀":                                 "🚀",
		"👩\u200d🚀\u200d x":                  "X",
		"👩\u200d🚀":                          "👩\u200d🚀",
		"👍🏽":                                "👍🏽",
		"🇩🇪🇫🇷":                              "🇩🇪",
		"a\u0300\u0300\u0300\u0300":         "À\u0300\u0300\u0300",
		"x" + strings.Repeat("\u0336", 100): "X" + strings.Repeat("\u0336", longestInitial-1),
		"ক\u09cd\u200d":                     "ক\u09cd",
		"\xffAcme":                          "A",
		"\x00\x01":                          "",
		"...":                               "",
		"\u200d\u200c":                      "",
		"":                                  "",
	} {
		if got := Initial(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// TestMarksAreOfTheTenant: a tenant that has a name or a colour has its own mark, never ours in another
// colour.
func TestMarksAreOfTheTenant(t *testing.T) {
	for _, c := range []struct {
		name, accent, letter, fill string
		ours                       bool
	}{
		{"Vouchsafe", "", "V", "#1f5f5b", true}, {"", "", "", "#1f5f5b", true},
		{"Acme", "", "A", "#1f5f5b", false}, {"Vouchsafe", "#c2410c", "V", "#c2410c", false},
		{"Acme", "#ffcc00", "A", "#ffcc00", false}, {"Acme", "url(x)", "A", "#1f5f5b", false},
	} {
		m := MarkOf(c.name, storage.Branding{Accent: c.accent})
		if m.Ours != c.ours || m.Letter != c.letter || m.fill.String() != c.fill || contrast(m.fill, m.onFill) < readable {
			t.Errorf("%q in %q: got %+v", c.name, c.accent, m)
		}
		if svg := m.SVG(); (svg == "") != c.ours || !c.ours &&
			(!strings.Contains(svg, `fill="`+c.fill+`"`) || !strings.Contains(svg, ">"+c.letter+"</text>")) {
			t.Errorf("%q in %q: got %s", c.name, c.accent, svg)
		}
	}
}

// FuzzMark: no name puts anything but a letter into the picture, which is well-formed and has no
// scripts, links or styles.
func FuzzMark(f *testing.F) {
	for _, s := range []string{"Acme", "<script>", "&amp;", "\"'", "]]>", "\x00", "\ufffe", "\u2028", "<", "&",
		"🇩🇪", "\u202e<"} {
		f.Add(s, "#c2410c")
		f.Add("x", s)
	}
	f.Fuzz(func(t *testing.T, name, accent string) {
		m := MarkOf(name, storage.Branding{Accent: accent})
		if n := utf8.RuneCountInString(m.Letter); n > longestInitial || !utf8.ValidString(m.Letter) {
			t.Errorf("%q has the initial %q", name, m.Letter)
		}
		svg, elements := m.SVG(), ""
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%q becomes %q: %v", name, svg, err)
			}
			if e, ok := token.(xml.StartElement); ok {
				elements += e.Name.Local + " "
				for _, a := range e.Attr {
					if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" || a.Name.Local == "style" {
						t.Errorf("%q becomes %q", name, svg)
					}
				}
			}
		}
		if !m.Ours && elements != "svg rect text " {
			t.Errorf("%q becomes %q", name, svg)
		}
	})
}
