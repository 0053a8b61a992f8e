package login

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
)

// words are those of the language that the person wishes: by the client's request, which
// may have ui_locales (OpenID Connect Core section 3.1.2.1), else by that parameter of the
// page, else by Accept-Language.
func (s *Server) words(r *http.Request) texts.Words {
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
				lang = texts.First(in.UILocales, lang)
			}
		}
	}
	return texts.In(lang)
}

// Say translates English sentences of other packages into the language of the request.
func (s *Server) Say(r *http.Request, sentences ...string) (lang string, in []string) {
	w := s.words(r)
	for _, text := range sentences {
		in = append(in, w.Sentence(text))
	}
	return w["lang"], in
}

// languageOf is the language that the request asks for by itself.
func languageOf(r *http.Request) string {
	return texts.First(strings.Fields(uiLocales(r)), texts.Accepted(r.Header.Get("Accept-Language")))
}

// uiLocales is the page's own parameter.
func uiLocales(r *http.Request) string {
	if r.Form != nil {
		return r.Form.Get("ui_locales")
	}
	return r.URL.Query().Get("ui_locales") // a body that nobody asked for is not read
}
