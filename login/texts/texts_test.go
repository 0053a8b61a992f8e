package texts

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/people/claims"
)

var english = In("en")

// formOf takes apart the id of a text that depends on a number.
var formOf = regexp.MustCompile(`^(.+)\.(zero|one|two|few|many|other)$`)

// base is the id that code has for a text.
func (w Words) base(id string) string {
	if m := formOf.FindStringSubmatch(id); m != nil && w[m[1]+".one"] != "" {
		return m[1]
	}
	return id
}

// TestEveryTextIsUsedAndThere looks for the ids in templates and code.
func TestEveryTextIsUsedAndThere(t *testing.T) {
	bases := map[string]bool{}
	for id := range english {
		bases[english.base(id)] = true
	}
	used := map[string]bool{}
	source := sources(t)
	for _, m := range regexp.MustCompile(`(?:\.T|Must\(|Say\() ?"([a-z0-9_.]*[a-z0-9_])"`).FindAllStringSubmatch(source,
		-1) {
		used[m[1]] = true
		if !bases[m[1]] {
			t.Errorf("there is no text %q", m[1])
		}
	}
	for _, c := range claims.Standard.All() {
		if label := "profile." + strings.TrimPrefix(c.Name, "address."); c.Editor == claims.Owner {
			used[label] = true
			if !bases[label] {
				t.Errorf("there is no text %q, which the profile page has for %s", label, c.Name)
			}
		}
	}
	for id := range bases {
		// These are put together from what is asked for or went wrong.
		composed := regexp.MustCompile(
			`^(scope|claim|time|lang|activity|strength)\b|^consent\.(scope|claim)$|^error\.[0-9]+$`).MatchString(id)
		if !used[id] && !composed && !strings.Contains(source, `"`+id+`"`) {
			t.Errorf("nothing says %q", id)
		}
	}
}

// sources returns the code and the templates that may name a text.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, root := range []string{"../../cmd", "../../gateway", "../../internal", "../../login", "../../people",
		"../../provider"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || filepath.Ext(path) != ".go" &&
				filepath.Ext(path) != ".html" {
				return err
			}
			b, err := os.ReadFile(path)
			all.Write(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// TestEveryLanguageHasEveryText: the same ids, the same verbs, and of what depends on a
// number the forms that the language has.
func TestEveryLanguageHasEveryText(t *testing.T) {
	verbs := func(s string) string {
		return strings.Join(regexp.MustCompile(`%(\[\d+\])?[-+# 0-9.]*[a-zA-Z%]`).FindAllString(s, -1), " ")
	}
	for _, lang := range Languages() {
		w := In(lang)
		forms := map[string]int{} // how many numbers take each
		for n := range 1001 {
			forms[category(lang, n)]++
		}
		for id, text := range english {
			base := english.base(id)
			if base == id {
				if got, ok := w[id]; !ok {
					t.Errorf("%s: there is no %q", lang, id)
				} else if verbs(got) != verbs(text) {
					t.Errorf("%s: %s has the verbs %q, want %q", lang, id, verbs(got), verbs(text))
				}
				continue
			}
			for form, numbers := range forms {
				got, ok := w[base+"."+form]
				if !ok {
					t.Errorf("%s: there is no %q", lang, base+"."+form)
				}
				want := verbs(english[base+".other"])
				if numbers == 1 && got != "" && verbs(got) == "" {
					continue // "a minute": the number is in the words
				}
				if verbs(got) != want {
					t.Errorf("%s: %s.%s has the verbs %q, want %q", lang, base, form, verbs(got), want)
				}
			}
		}
		for id, text := range w {
			base := w.base(id)
			if _, ok := english[base]; !ok && english[base+".one"] == "" {
				t.Errorf("%s: %q is in no other language", lang, id)
			}
			if base != id && forms[strings.TrimPrefix(id, base+".")] == 0 {
				t.Errorf("%s: no number takes %q", lang, id)
			}
			if strings.TrimSpace(text) != text || text == "" || strings.ContainsAny(text, "<>\n") {
				t.Errorf("%s: %s is %q", lang, id, text)
			}
		}
	}
}

func TestTextsLieInTheFilesOfTheirArea(t *testing.T) {
	areas, err := fs.Glob(files, "en/*")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		lang, file, _ := strings.Cut(path, "/")
		if !slices.Contains(Languages(), lang) || !slices.Contains(areas, "en/"+file) {
			t.Errorf("%s is of no language or area", path)
		}
		source, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		var ids map[string]string
		if err := json.Unmarshal(source, &ids); err != nil {
			return err
		}
		// What a JSON object has twice, only the text shows.
		if n := bytes.Count(source, []byte("\": \"")); n != len(ids) {
			t.Errorf("%s has %d texts by %d ids", path, n, len(ids))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(areas) * len(Languages()); seen != want {
		t.Errorf("got %d files, want %d", seen, want)
	}
}

func TestNumbersTakeTheFormsOfTheLanguage(t *testing.T) {
	for lang, want := range map[string]map[int]string{
		"en": {1: "Use at least 1 character.", 8: "Use at least 8 characters."},
		"fr": {1: "Utilisez au moins 1 caractère.", 8: "Utilisez au moins 8 caractères."},
		"ru": {1: "Введите не менее 1 символа.", 3: "Введите не менее 3 символов.", 8: "Введите не менее 8 символов.",
			21: "Введите не менее 21 символа."},
	} {
		for n, text := range want {
			if got := In(lang).Must("setup.short", n); got != text {
				t.Errorf("%s: %d: got %q, want %q", lang, n, got, text)
			}
		}
	}
}

// TestNumbersAreWrittenAsInTheLanguage: those that texts say, with any verb, and those that stand alone; years are no
// such numbers.
func TestNumbersAreWrittenAsInTheLanguage(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string][3]string{
		"en": {"1,234", "20,000", "1,234,567"}, "de": {"1.234", "20.000", "1.234.567"},
		"es": {"1234", "20\u202F000", "1\u202F234\u202F567"}, "pt": {"1.234", "20.000", "1.234.567"},
		"fr": {"1\u202F234", "20\u202F000", "1\u202F234\u202F567"},
		"ru": {"1\u202F234", "20\u202F000", "1\u202F234\u202F567"},
	} {
		w := In(lang)
		for i, n := range []int{1234, 20_000, 1_234_567} {
			if got := w.Number(int64(n)); got != want[i] {
				t.Errorf("%s: got %q, want %q", lang, got, want[i])
			}
			if got := w.Must("setup.short", n); !strings.Contains(got, " "+want[i]+" ") {
				t.Errorf("%s: a text says %q, want %q in it", lang, got, want[i])
			}
		}
		if got := w.Number(999) + w.Number(0) + w.Number(-12_345); got != "9990-"+w.Number(12_345) {
			t.Errorf("%s: got %q", lang, got)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "a minute", time.Second: "a minute", time.Minute: "a minute", 61 * time.Second: "2 minutes",
		10 * time.Minute: "10 minutes",
		90 * time.Minute: "90 minutes", 2 * time.Hour: "2 hours", 121 * time.Minute: "3 hours",
	} {
		if got := english.Span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	day := time.Date(2026, time.March, 1, 9, 5, 0, 0, time.UTC)
	for lang, want := range map[string]string{
		"en": "1 March 2026, 09:05 UTC", "de": "1. März 2026, 09:05 Uhr UTC", "fr": "1 mars 2026 à 09:05 UTC",
		"es": "1 de marzo de 2026, 09:05 UTC", "pt": "1 de março de 2026, 09:05 UTC", "ru": "1 марта 2026 г., 09:05 UTC",
	} {
		if got := In(lang).Moment(day); got != want {
			t.Errorf("%s: got %q, want %q", lang, got, want)
		}
	}
}
