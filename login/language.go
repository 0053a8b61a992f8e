package login

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// Languages are those that the pages and mails speak, the one for everybody else first.
func Languages() []string { return []string{"en", "de", "es", "fr", "pt", "ru"} }

var languages = func() language.Matcher {
	var tags []language.Tag
	for _, lang := range Languages() {
		tags = append(tags, language.MustParse(lang))
	}
	return language.NewMatcher(tags)
}()

const (
	mostLanguages  = 20  // of those somebody wishes for
	longestWishing = 500 // bytes of Accept-Language
	// longestTag is more than RFC 5646 section 4.4.1 has anybody expect. x/text parses one
	// such as "en-t-en-t-…" in time by the square of its length: a second for 60 KB.
	longestTag = 64
)

// words are those of the language that the person wishes: by the client's request, which
// may have ui_locales (OpenID Connect Core section 3.1.2.1), else by that parameter of the
// page, else by Accept-Language.
func (s *Server) words(r *http.Request) words {
	req := web.RequestOf(r.Context())
	lang := req.Language
	if lang == "" {
		lang = languageOf(r)
		// Before the letter is opened: if that fails, the error page need not try again.
		req.Language = lang
		if r.Form == nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			_ = r.ParseForm() // reads the query alone
		}
		if r.Form != nil && web.FindTenant(r.Context()) != nil {
			if in, err := s.opened(r); err == nil && in != nil {
				lang = speak(in.UILocales, lang)
			}
		}
	}
	return texts()[lang]
}

// Say translates English sentences of other packages into the language of the request.
func (s *Server) Say(r *http.Request, sentences ...string) (lang string, in []string) {
	w := s.words(r)
	for _, text := range sentences {
		in = append(in, w.sentence(text))
	}
	return w["lang"], in
}

// languageOf is the language that the request asks for by itself.
func languageOf(r *http.Request) string {
	return speak(strings.Fields(uiLocales(r)), nearest(accepted(r.Header.Get("Accept-Language")), Languages()[0]))
}

// accepted are the tags of Accept-Language (RFC 9110 section 12.5.4), the dearest first.
// One that nobody knows does not spoil the others.
func accepted(header string) []language.Tag {
	if len(header) > longestWishing {
		header = header[:longestWishing]
		header = header[:max(0, strings.LastIndexByte(header, ','))]
	}
	type wish struct {
		tag    language.Tag
		weight float32
	}
	var wishes []wish
	for part := range strings.SplitSeq(header, ",") {
		tags, weights, err := language.ParseAcceptLanguage(part)
		if err == nil && len(tags) == 1 && weights[0] > 0 {
			wishes = append(wishes, wish{tags[0], weights[0]})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.weight, a.weight) })
	var out []language.Tag
	for _, w := range wishes {
		out = append(out, w.tag)
	}
	return out
}

// uiLocales is the page's own parameter.
func uiLocales(r *http.Request) string {
	if r.Form != nil {
		return r.Form.Get("ui_locales")
	}
	return r.URL.Query().Get("ui_locales") // a body that nobody asked for is not read
}

// speak is the language of the first tag that is one of ours, else fallback.
func speak(locales []string, fallback string) string {
	var tags []language.Tag
	for _, l := range locales[:min(len(locales), mostLanguages)] {
		if len(l) > longestTag {
			continue
		}
		if tag, err := language.Parse(l); err == nil {
			tags = append(tags, tag)
		}
	}
	return nearest(tags, fallback)
}

// nearest goes by what is surely understood: a Swiss German reads German, but nobody is
// handed Russian for having asked for Ukrainian.
func nearest(tags []language.Tag, fallback string) string {
	for _, tag := range tags[:min(len(tags), mostLanguages)] {
		if _, i, sure := languages.Match(tag); sure >= language.High {
			return Languages()[i]
		}
	}
	return fallback
}
