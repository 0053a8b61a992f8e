package texts

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// oddEnglish matches words that the product does not use, and forms that sound stiff on a page.
var oddEnglish = regexp.MustCompile(`(?i)\b(e-mail|user name|somebody|nobody|anybody|whoever|second factor|` +
	`cannot|do not|does not|did not|will not|could not|is not|are not|was not|has not|` +
	`you are|you will|you have (chosen|used|signed)|it is|that is|we will|log in)\b`)

// TestEnglishIsPlain reads every English text that users see: pages, emails and developer pages.
func TestEnglishIsPlain(t *testing.T) {
	t.Parallel()
	for id, text := range english {
		if odd := oddEnglish.FindString(text); odd != "" {
			t.Errorf("%s says %q: %s", id, odd, text)
		}
	}
	for _, pattern := range []string{
		"../../people/mail/templates/en/*.txt", "../../internal/devpage/static/*.html",
		"../../internal/fakeidp/static/*.html",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			prose := regexp.MustCompile(`<(pre|code)>(?s:.*?)</(pre|code)>|<[^>]*>|\{\{[^}]*\}\}`).
				ReplaceAllString(string(source), "")
			if odd := oddEnglish.FindString(prose); odd != "" {
				t.Errorf("%s says %q", file, odd)
			}
		}
	}
}

// TestQuotesAndSpacesAreOfTheLanguage: apostrophes and quotation marks are typographic, and French
// puts a space that does not break before its double punctuation.
func TestQuotesAndSpacesAreOfTheLanguage(t *testing.T) {
	t.Parallel()
	foreign := map[string]string{"en": "«»„", "de": "«»", "fr": "„“”", "es": "„“”", "pt": "«»„", "ru": "„“”"}
	frenchSpace := regexp.MustCompile(`[^\x{00a0}0-9a-z.][?!;»]|[^\x{00a0}s]:(\s|$)|«[^\x{00a0}]`)
	for _, lang := range Languages() {
		for id, text := range In(lang) {
			if id == "email.special" { // lists characters
				continue
			}
			if strings.ContainsAny(text, `"'`+foreign[lang]) {
				t.Errorf("%s: %s has a quotation mark of another language: %s", lang, id, text)
			}
			if bad := frenchSpace.FindString(text); lang == "fr" && bad != "" {
				t.Errorf("fr: %s has no space that does not break at %q: %s", id, bad, text)
			}
		}
	}
	messages, err := filepath.Glob("../../people/mail/templates/fr/*.txt")
	if err != nil || len(messages) == 0 {
		t.Fatalf("%v, %v", messages, err)
	}
	for _, file := range messages {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bad := regexp.MustCompile(` [?!;:»]|« `).FindString(string(source)); bad != "" {
			t.Errorf("%s has a space that breaks at %q", file, bad)
		}
	}
}

// TestWordsOfOtherLanguages: one word for one thing, as in English.
func TestWordsOfOtherLanguages(t *testing.T) {
	t.Parallel()
	for lang, odd := range map[string]string{
		"de": `(^|[^-\x{2011}])\bMails?\b|\bJemand\b|zweite[rn]? Faktor|Authentifizierungs-App|Anwendung|` +
			`(?i:\b(du|dir|dich|dein(e[mnrs]?)?)\b)`,
		"fr": `second facteur|Quelqu’un,|(?i:\b(tu|ton|ta|toi)\b)`,
		"es": `segundo factor|Alguien,|\bElige\b|(?i:\b(tus?|tuy[oa]s?|puedes|tienes|quieres|perteneces|pregunta a)\b|` +
			`(^| )tú($|[^a-z]))`,
		"pt": `segundo fator|Alguém,|\b(tu|teu|palavra-passe|telemóvel)\b`,
		"ru": `[Вв]торо(й|го|му) фактор|[Уу]чётн|Выходные данные|Кто-то,|` +
			`(?i:(^|[^а-яё])(ты|теб[яе]|тво(й|я|и|ё))($|[^а-яё]))`,
	} {
		pattern := regexp.MustCompile(odd)
		for id, text := range In(lang) {
			if found := pattern.FindString(text); found != "" {
				t.Errorf("%s: %s says %q: %s", lang, id, found, text)
			}
		}
		files, err := filepath.Glob("../../people/mail/templates/" + lang + "/*.txt")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", lang, files, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found := pattern.FindString(string(source)); found != "" {
				t.Errorf("%s says %q", file, found)
			}
		}
	}
}

// longestButton is how many characters fit on a button in one line, 390 pixels wide.
const longestButton = 36

// TestButtonsFitOnAPhone finds the texts of buttons in the templates.
func TestButtonsFitOnAPhone(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../ui/templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	buttons := map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		elements := regexp.MustCompile(`(?s)<(?:button|a class="button)[^>]*>(.*?)</(?:button|a)>`)
		for _, button := range elements.FindAllStringSubmatch(string(source), -1) {
			for _, id := range regexp.MustCompile(`\.T "([a-z0-9_.]+)"`).FindAllStringSubmatch(button[1], -1) {
				buttons[id[1]] = true
			}
		}
	}
	if len(buttons) < 30 {
		t.Fatalf("only %d buttons found", len(buttons))
	}
	for _, lang := range Languages() {
		for id, text := range In(lang) {
			if n := utf8.RuneCountInString(text); buttons[In(lang).base(id)] && n > longestButton {
				t.Errorf("%s: the button %s has %d characters, and %d fit: %s", lang, id, n, longestButton, text)
			}
		}
	}
}

// TestEmailStaysOnOneLine: "E-" at the end of a line reads badly.
func TestEmailStaysOnOneLine(t *testing.T) {
	t.Parallel()
	for _, lang := range Languages() {
		for id, text := range In(lang) {
			if strings.Contains(strings.ToLower(text), "e-mail") {
				t.Errorf("%s: %s may break within E-Mail: %s", lang, id, text)
			}
		}
	}
}
