package texts

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// files holds LANGUAGE/AREA.json, each an object of texts by id.
//
//go:embed */*.json
var files embed.FS

// Words are the texts of one language, by id. A text may have verbs of package fmt; templates
// escape what is put in. A text that depends on a number is there once for each form that the
// language has: "id.one", "id.few", "id.many", "id.other".
type Words map[string]string

// In returns the texts of a language, which is one of Languages.
func In(language string) Words { return all()[language] }

// all returns the texts by language. They are read at the first use.
var all = sync.OnceValue(func() map[string]Words {
	all, err := Read(files)
	if err != nil {
		panic(err) // they are built in, and tests read them
	}
	return all
})

// unbroken puts a hyphen at which browsers break no line (U+2011) into words that read badly on two lines.
var unbroken = strings.NewReplacer("E-Mail", "E\u2011Mail", "E-mail", "E\u2011mail", "e-mail", "e\u2011mail",
	"Authenticator-App", "Authenticator\u2011App")

// Read reads LANGUAGE/AREA.json for each of Languages, and returns the texts by language.
func Read(files fs.FS) (map[string]Words, error) {
	all := map[string]Words{}
	for _, lang := range Languages() {
		w := Words{"lang": lang}
		areas, err := fs.ReadDir(files, lang)
		if err != nil {
			return nil, err
		}
		for _, f := range areas {
			source, err := fs.ReadFile(files, path.Join(lang, f.Name()))
			if err != nil {
				return nil, err
			}
			var area Words
			if err := json.Unmarshal(source, &area); err != nil {
				return nil, fmt.Errorf("%s/%s: %w", lang, f.Name(), err)
			}
			for id, text := range area {
				if _, ok := w[id]; ok {
					return nil, fmt.Errorf("%s/%s: %q is there already", lang, f.Name(), id)
				}
				w[id] = unbroken.Replace(text)
			}
		}
		all[lang] = w
	}
	return all, nil
}

// Lang returns the tag of the language.
func (w Words) Lang() string { return w["lang"] }

// Say returns the text with the given id. The first whole number among args chooses the form of
// a text that has forms, numbers are said as Number does, and durations as Span does. An id without a
// text is an error.
func (w Words) Say(id string, args ...any) (string, error) {
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
	said := slices.Clone(args)
	for i, arg := range args {
		switch arg := arg.(type) {
		case time.Duration:
			said[i] = w.Span(arg)
		case int:
			said[i] = number{w, int64(arg)}
		case int64:
			said[i] = number{w, arg}
		}
	}
	return fmt.Sprintf(text, said...), nil
}

// Must returns the text with the given id, as Say does, and panics when there is none. It is for
// ids that the program's own code names: a test looks all of them up.
func (w Words) Must(id string, args ...any) string {
	s, err := w.Say(id, args...)
	if err != nil {
		panic(err)
	}
	return s
}

// form returns the text for the first whole number among args.
func (w Words) form(id string, args []any) (text string, ok bool) {
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

// category returns the name of the form that the language has for a whole number (Unicode CLDR,
// Language Plural Rules).
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

// Span says a time to wait: in whole minutes, and from two hours on in whole hours.
func (w Words) Span(d time.Duration) string {
	if d > 119*time.Minute {
		return w.Must("time.hours", int((d+time.Hour-1)/time.Hour))
	}
	return w.Must("time.minutes", max(1, int((d+time.Minute-1)/time.Minute)))
}

// Long says a duration that may be days: in whole days from two on, and below as Span does.
func (w Words) Long(d time.Duration) string {
	if d >= 48*time.Hour {
		return w.Must("time.days", int(d/(24*time.Hour)))
	}
	return w.Span(d)
}

// Date returns the day of t in UTC, in words.
func (w Words) Date(t time.Time) string {
	t = t.UTC()
	return w.Must("time.date", t.Day(), w.Must(fmt.Sprintf("time.month.%d", int(t.Month()))), strconv.Itoa(t.Year()))
}

// Moment returns the day and the time of t in UTC, in words: the server does not know the reader's time zone.
func (w Words) Moment(t time.Time) string {
	return w.Must("time.at", w.Date(t), t.UTC().Format("15:04"))
}
