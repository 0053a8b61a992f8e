package words

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/login/texts"
)

// own returns the console's texts of a language, by id.
func own(t *testing.T, lang string) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := fs.Glob(files, lang+"/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(source, &all); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return all
}

// form takes the form of a number off an id.
var form = regexp.MustCompile(`\.(one|few|many|other)$`)

// TestEveryLanguageHasEveryText: the same ids with the same verbs, none of which a text of the pages has.
func TestEveryLanguageHasEveryText(t *testing.T) {
	t.Parallel()
	verb := regexp.MustCompile(`%(\[\d+\])?[a-z]`)
	english := own(t, "en")
	for _, lang := range texts.Languages() {
		w := own(t, lang)
		for id, text := range english {
			if _, ok := texts.In("en")[id]; ok {
				t.Errorf("%s is a text of the pages, too", id)
			}
			there, ok := w[id]
			if !ok {
				t.Errorf("%s: there is no %q", lang, id)
			} else if !slices.Equal(verb.FindAllString(text, -1), verb.FindAllString(there, -1)) {
				t.Errorf("%s: %s has other verbs: %s", lang, id, there)
			}
		}
		for id, text := range w {
			if _, ok := english[id]; !ok && english[form.ReplaceAllString(id, ".other")] == "" {
				t.Errorf("%s: %q is in no other language", lang, id)
			}
			if strings.TrimSpace(text) != text || text == "" || strings.ContainsAny(text, "<>\n\"'") {
				t.Errorf("%s: %s is %q", lang, id, text)
			}
		}
	}
}

// TestNumbersHaveTheFormsOfTheirLanguage says every text that depends on a number.
func TestNumbersHaveTheFormsOfTheirLanguage(t *testing.T) {
	t.Parallel()
	for _, lang := range texts.Languages() {
		w := own(t, lang)
		for id := range w {
			if base, ok := strings.CutSuffix(id, ".other"); ok {
				for _, want := range map[string][]string{"ru": {"few", "many"}}[lang] {
					if w[base+"."+want] == "" {
						t.Errorf("%s: %s has no form %s", lang, base, want)
					}
				}
			}
		}
	}
}

// TestEveryTextIsUsedAndThere looks for the ids in the templates and the code of the console.
func TestEveryTextIsUsedAndThere(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") ||
			!slices.Contains([]string{".go", ".html"}, filepath.Ext(path)) {
			return err
		}
		b, err := os.ReadFile(path)
		source.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	english := own(t, "en")
	named := regexp.MustCompile(`\.T "([a-z0-9_.-]+)"|\bT\("([a-z0-9_.-]+)"[,)]`)
	for _, m := range named.FindAllStringSubmatch(source.String(), -1) {
		id := m[1] + m[2]
		_, here := english[id]
		_, pages := texts.In("en")[id]
		if !here && !pages && english[id+".other"]+texts.In("en")[id+".other"] == "" {
			t.Errorf("there is no text %q", id)
		}
	}
	for id := range english {
		base := form.ReplaceAllString(id, "")
		parts := strings.Split(base, ".")
		// A text whose id is put together is named by its beginning: "place." + id.
		put := false
		for n := 1; n < len(parts); n++ {
			put = put || strings.Contains(source.String(), `"`+strings.Join(parts[:n], ".")+`."`)
		}
		hint := strings.TrimSuffix(base, "_hint")
		if strings.HasPrefix(base, "console.") { // for all places
			continue
		}
		if !put && !strings.Contains(source.String(), `"`+base+`"`) && hint == base {
			t.Errorf("nothing says %q", base)
		}
	}
}

// TestEnglishIsPlain: the console says what the pages say, in the same words.
func TestEnglishIsPlain(t *testing.T) {
	t.Parallel()
	odd := regexp.MustCompile(`(?i)\b(e-mail|user name|somebody|nobody|anybody|whoever|second factor|cannot|do not|` +
		`does not|did not|will not|could not|is not|are not|was not|has not|you are|you will|it is|that is|log in)\b`)
	for id, text := range own(t, "en") {
		if found := odd.FindString(text); found != "" {
			t.Errorf("%s says %q: %s", id, found, text)
		}
	}
}

// TestSpacesAreOfTheLanguage: French puts a space that does not break before its double punctuation, and inside its
// quotation marks; no number breaks between its thousands.
func TestSpacesAreOfTheLanguage(t *testing.T) {
	t.Parallel()
	french := regexp.MustCompile(`[^\x{00a0}0-9a-z.][?!;»]|[^\x{00a0}s]:(\s|$)|«[^\x{00a0}]|[^\x{00a0}]%%`)
	thousands := regexp.MustCompile(`[1-9]\d? \d{3}\s`)
	for _, lang := range texts.Languages() {
		for id, text := range own(t, lang) {
			if bad := french.FindString(strings.ReplaceAll(text, "mailto:", "")); lang == "fr" && bad != "" {
				t.Errorf("fr: %s has no space that does not break at %q: %s", id, bad, text)
			}
			if bad := thousands.FindString(text); bad != "" && id != "people.phone_hint" {
				t.Errorf("%s: %s breaks the number %q: %s", lang, id, bad, text)
			}
		}
	}
}

// TestWordsOfOtherLanguages: one word for one thing in every place of the console, and the same as on the pages.
func TestWordsOfOtherLanguages(t *testing.T) {
	t.Parallel()
	for lang, odd := range map[string]string{
		"de": `[Zz]weistufig|[Vv]ertraute Geräte|[Vv]orgelagert|Zugriffstoken|Client-Secret|suchen Sie nach weniger`,
		"es": `(?i:habilit)|(?i:reemplaz)|\b[Ss]copes?\b|\b(cifras|[Pp]etición)\b|\b[Ii]ds?\b`,
		"fr": `Écrivez|[Pp]ortées|Comptes associés|en amont|\b[Ii]ds?\b`,
		"pt": `(^|[^\w.#/-])[Aa]pps?($|[^\w#.-])|\b[Ss]copes?\b|\b[Pp]ap(el|éis)\b|algarismo|\b([Ii]d|ids|Pedido)\b`,
		"ru": `[Уу]чётн|[Тт]енант|Выходные данные|двухэтапн(ая|ой) проверк|[Вв]торой шаг|Утверждени|«Это был не я»|знаков`,
		"en": `\b[Ii]ds?\b|\b[Ss]mall letters\b|[Ii]mprint|\ban? \w+ a line\b|any ?more`,
	} {
		pattern := regexp.MustCompile(odd)
		for id, text := range own(t, lang) {
			if found := pattern.FindString(text); found != "" {
				t.Errorf("%s: %s says %q: %s", lang, id, found, text)
			}
		}
	}
}
