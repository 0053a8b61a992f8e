package ui

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
)

// languageCookie keeps the language that the user chose in the menu of a page, and when: "de.1764444444000",
// with the time in Unix milliseconds.
const languageCookie = "language"

// Language is one that the menu offers, by its tag and its own name.
type Language struct{ Tag, Name string }

// languages are those of the menu.
var languages = func() (all []Language) {
	for _, tag := range texts.Languages() {
		all = append(all, Language{tag, texts.NameOf(tag)})
	}
	return all
}()

// LanguageName returns the name of the page's language, in that language.
func (v *View) LanguageName() string { return texts.NameOf(v.Lang()) }

// speakChosen makes the page speak the language that the user chose in the menu. The latest wish decides: a
// client that asked for another language after that, by ui_locales, gets it.
func (s *Site) speakChosen(r *http.Request) {
	tag, at := chosenLanguage(r)
	if tag == "" {
		return
	}
	in, err := s.Opened(r)
	if err == nil && in != nil && len(in.UILocales) > 0 && at.Before(in.Started) {
		return
	}
	web.RequestOf(r.Context()).SetLocales([]string{tag})
}

// chosenLanguage returns the language that the user chose in the menu, and when: "" for none, or if the page was asked
// for in another by ui_locales.
func chosenLanguage(r *http.Request) (tag string, at time.Time) {
	tag, since, _ := strings.Cut(browser.Cookie(r, languageCookie), ".")
	ms, err := strconv.ParseInt(since, 10, 64)
	if err != nil || !slices.Contains(texts.Languages(), tag) || UILocales(r) != "" {
		return "", at
	}
	return tag, time.UnixMilli(ms)
}

// speakChosenError makes an error page speak the language that the user chose, if no page has settled the language.
func speakChosenError(r *http.Request) {
	req := web.RequestOf(r.Context())
	if tag, _ := chosenLanguage(r); tag != "" && len(req.Locales) == 0 {
		req.SetLocales([]string{tag})
	}
}

// offerLanguages gives the page the menu. The answer to a form has none: the menu could not lead back to it.
func (v *View) offerLanguages(w http.ResponseWriter, r *http.Request) {
	v.Form = FormToken(browser.Binding(w, r))
	if r.Method == http.MethodGet {
		v.Languages, v.Here = languages, here(r)
	}
}

// chooseLanguage keeps the language that the menu names, and sends the browser back to the page.
func (s *Site) chooseLanguage(w http.ResponseWriter, r *http.Request) error {
	if tag := r.PostForm.Get("language"); slices.Contains(texts.Languages(), tag) {
		value := tag + "." + strconv.FormatInt(time.Now().UnixMilli(), 10)
		browser.SetCookie(w, r, languageCookie, value, knownFor)
	}
	http.Redirect(w, r, web.TenantOf(r.Context()).Path+pageOf(r.PostForm.Get("back")), http.StatusSeeOther)
	return nil
}

// pageOf returns the address of a page below the tenant, or "/" for what is no such address.
func pageOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		path.Clean(u.Path) != u.Path {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// here returns the address of a request's page below the tenant, without the language that it asks for.
func here(r *http.Request) string {
	q := r.URL.Query()
	q.Del("ui_locales")
	return (&url.URL{Path: r.URL.Path, RawQuery: q.Encode()}).String()
}
