package login

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
)

func TestErrorPagesSpeakTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	const said, title = "problem.unreadable", "problem.stale_form.title"
	for _, lang := range texts.Languages() {
		req := s.request("/authorize?ui_locales=" + lang)
		p := s.failed(req, &web.Problem{Status: 400, Message: said, Title: title})
		for _, want := range []string{`lang="` + lang + `"`, texts.In(lang)[said], texts.In(lang)[title]} {
			if !strings.Contains(p.body, want) {
				t.Errorf("%s: the page is without %q", lang, want)
			}
		}
		req.Header.Set("Accept", "application/json")
		if p := s.failed(req, &web.Problem{Status: 400, Message: said}); !strings.Contains(p.body,
			`"error_description": "`+texts.ASCII(english[said])+`"`) {
			t.Errorf("%s: programs are told %s", lang, p.body)
		}
		if p := s.failed(s.request("/x?ui_locales="+lang),
			&web.Problem{Status: 404, Message: "problem.no_page"}); strings.Contains(p.body, `class="lead"`) {
			t.Errorf("%s: the message repeats the title", lang)
		}
	}
}
