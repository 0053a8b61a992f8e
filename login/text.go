package login

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// The texts are texts/LANGUAGE/AREA.json, each an object of texts by id.
//
//go:embed texts
var textFiles embed.FS

// words are all that people read here, in one language, by id. A text may have verbs of
// package fmt; whatever is put in is escaped where it is shown. One that depends on a
// number is there once for each form that the language has: "id.one", "id.few", "id.many",
// "id.other".
type words map[string]string

// texts are the words by language. They are read when the first are needed.
var texts = sync.OnceValue(func() map[string]words {
	all, err := readTexts()
	if err != nil {
		panic(err) // they are built in, and tested
	}
	return all
})

func readTexts() (map[string]words, error) {
	all := map[string]words{}
	for _, lang := range Languages() {
		w := words{"lang": lang}
		files, err := textFiles.ReadDir("texts/" + lang)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			source, err := textFiles.ReadFile(path.Join("texts", lang, f.Name()))
			if err != nil {
				return nil, err
			}
			var area words
			if err := json.Unmarshal(source, &area); err != nil {
				return nil, fmt.Errorf("texts/%s/%s: %w", lang, f.Name(), err)
			}
			for id, text := range area {
				if _, ok := w[id]; ok {
					return nil, fmt.Errorf("texts/%s/%s: %q is there already", lang, f.Name(), id)
				}
				w[id] = text
			}
		}
		all[lang] = w
	}
	return all, nil
}

// say is the text with the given id. A text that does not exist is an error of ours,
// which rendering reports. Of a text with forms, the first whole number among args chooses.
func (w words) say(id string, args ...any) (string, error) {
	text, ok := w[id]
	if !ok {
		if text, ok = w.form(id, args); !ok {
			return "", fmt.Errorf("no text %q", id)
		}
		if !strings.Contains(text, "%") { // "a minute"
			return text, nil
		}
	}
	if len(args) == 0 {
		return text, nil
	}
	return fmt.Sprintf(text, args...), nil
}

// must is say for the ids in this package's code.
func (w words) must(id string, args ...any) string {
	s, err := w.say(id, args...)
	if err != nil {
		panic(err)
	}
	return s
}

// sentence is what somebody else says in English, such as the message of a web.Problem: such
// sentences are ids themselves.
func (w words) sentence(english string) string {
	if text, ok := w[english]; ok {
		return text
	}
	return english
}

// form is the text for the number among args.
func (w words) form(id string, args []any) (text string, ok bool) {
	for _, arg := range args {
		if n, whole := arg.(int); whole {
			if text, ok = w[id+"."+category(w["lang"], n)]; ok {
				return text, true
			}
			break
		}
	}
	text, ok = w[id+".other"]
	return text, ok
}

// category is the name of the form that the language has for a whole number (Unicode
// CLDR, Language Plural Rules).
func category(lang string, n int) string {
	n = max(n, -n) % 10_000_000
	switch plural.Cardinal.MatchPlural(language.Make(lang), n, 0, 0, 0, 0) {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	default:
		return "other"
	}
}

// span says a time to wait: in whole minutes, and from two hours on in whole hours.
func (w words) span(d time.Duration) string {
	if d > 119*time.Minute {
		return w.must("time.hours", int((d+time.Hour-1)/time.Hour))
	}
	return w.must("time.minutes", max(1, int((d+time.Minute-1)/time.Minute)))
}

// long says a time that is mostly longer than a wait: in whole days from two on.
func (w words) long(d time.Duration) string {
	if d >= 48*time.Hour {
		return w.must("time.days", int(d/(24*time.Hour)))
	}
	return w.span(d)
}

// date says a day.
func (w words) date(t time.Time) string {
	t = t.UTC()
	return w.must("time.date", t.Day(), w.must(fmt.Sprintf("time.month.%d", int(t.Month()))), t.Year())
}

// moment says a day and the time of it. Where the reader's clock stands nobody here knows.
func (w words) moment(t time.Time) string {
	return w.must("time.at", w.date(t), t.UTC().Format("15:04"))
}
