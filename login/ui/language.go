package ui

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
)

// Words returns the texts in the language of the request: the one that the client's authorization
// request names in ui_locales (OpenID Connect Core section 3.1.2.1), once it is opened, else the one
// that the page's own parameter of that name or the header Accept-Language names.
func Words(r *http.Request) texts.Words {
	req := web.RequestOf(r.Context())
	if req.Language == "" {
		own := texts.First(strings.Fields(UILocales(r)), texts.Accepted(r.Header.Get("Accept-Language")))
		req.Language = texts.First(req.Locales, own)
	}
	return texts.In(req.Language)
}

// Say returns the texts with the given ids in the language of the request, and the language.
func (p *Pages) Say(r *http.Request, ids ...string) (lang string, in []string) {
	w := Words(r)
	for _, id := range ids {
		in = append(in, w.Must(id))
	}
	return w.Lang(), in
}

// UILocales returns the parameter ui_locales of the page itself. It does not read a body that no
// handler has read.
func UILocales(r *http.Request) string {
	if r.Form != nil {
		return r.Form.Get("ui_locales")
	}
	return r.URL.Query().Get("ui_locales")
}
