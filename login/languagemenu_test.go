package login

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestTheLanguageMenuKeepsTheInteraction: Keycloak's menu, among others, has lost the client's request.
func TestTheLanguageMenuKeepsTheInteraction(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	q := s.ask("", storage.Interaction{})
	v := s.visitor()
	page := v.get("/login?" + q)
	for _, lang := range texts.Languages() {
		if !strings.Contains(page.body, `value="`+lang+`" lang="`+lang+`"`) {
			t.Errorf("the menu lacks %s", lang)
		}
	}
	back := field(t, page.body, "back")
	if back != "/login?"+q {
		t.Fatalf("the menu leads back to %q", back)
	}
	if p := v.post("/language", "language", "de", "back", back); p.leads() != "/login?"+q {
		t.Fatalf("got %d to %q", p.status, p.location())
	}
	for _, path := range []string{"/login?" + q, "/signup?" + q, "/forgot"} {
		if p := v.get(path); !strings.Contains(p.body, `<html lang="de">`) {
			t.Errorf("%s is in another language", path)
		}
	}
	// Errors, too, and what a refused form says.
	if p := v.post("/login", "login", "jo@example.com", "password", "x"); alertOf(p) != texts.In("de")["signin.wrong"] {
		t.Errorf("got %q", alertOf(p))
	}
	if p := v.get("/login?i=nonsense"); !strings.Contains(p.body, `<html lang="de">`) {
		t.Error("an error page is in another language")
	}
}

// TestTheLatestWishForALanguageDecides: a client's ui_locales wins over the choice of an earlier day, and the menu wins
// over the ui_locales of the request that is under way.
func TestTheLatestWishForALanguageDecides(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	v.get("/login")
	v.post("/language", "language", "de", "back", "/login")
	french := s.ask("", storage.Interaction{UILocales: []string{"fr"}})
	s.mu.Lock()
	in := s.letters[strings.TrimPrefix(french, "i=")]
	in.Started = time.Now().Add(time.Second)
	s.letters[in.Letter] = in
	s.mu.Unlock()
	if p := v.get("/login?" + french); !strings.Contains(p.body, `<html lang="fr">`) {
		t.Error("the client asked for French after the user had chosen German")
	}
	if p := v.get("/login?ui_locales=es"); !strings.Contains(p.body, `<html lang="es">`) {
		t.Error("the page was asked for in Spanish")
	} else if back := field(t, p.body, "back"); back != "/login" {
		t.Errorf("the menu leads back to %q", back)
	}
	s.mu.Lock()
	in.Started = time.Now().Add(-time.Second)
	s.letters[in.Letter] = in
	s.mu.Unlock()
	v.post("/language", "language", "ru", "back", "/login?"+french)
	if p := v.get("/login?" + french); !strings.Contains(p.body, `<html lang="ru">`) {
		t.Error("the user chose Russian during the request")
	}
}

// TestTheLanguageMenuLeadsNowhereElse: no other site can be given as the page to go back to.
func TestTheLanguageMenuLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	v.get("/login")
	for back, want := range map[string]string{
		"https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/%5Cevil.example", "/%2Fevil.example": "/",
		"///evil.example": "/", "javascript:alert(1)": "/", "": "/", "login": "/", "/./login": "/", "/a/../login": "/",
		"/login?i=1&x=%0d%0aSet-Cookie:a": "/login?i=1&x=%0d%0aSet-Cookie:a", "/\tx": "/", "http:/login": "/",
	} {
		if p := v.post("/language", "language", "de", "back", back); p.leads() != want {
			t.Errorf("%q leads to %q, want %q", back, p.location(), want)
		}
	}
	was := v.cookie("language")
	if p := v.post("/language", "language", "tlh", "back", "/login"); p.leads() != "/login" ||
		v.cookie("language") != was {
		t.Errorf("an unknown language: got to %q, with %q", p.leads(), v.cookie("language"))
	}
	v.plant(&http.Cookie{Name: "vouchsafe-language", Value: "tlh.1"})
	if p := v.get("/login"); p.status != http.StatusOK || !strings.Contains(p.body, `<html lang="en">`) {
		t.Errorf("a cookie that we did not make: got %d", p.status)
	}
}

// TestErrorPagesHaveTheLanguageMenu, which leads back to the page that the browser asked for. An answer to a form, and
// a part of another site's page, get neither a menu nor a cookie. Nor does an address with a query, because the menu
// would repeat it, and errors repeat no code or token.
func TestErrorPagesHaveTheLanguageMenu(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.router.HandleFunc("/broken", func(w http.ResponseWriter, r *http.Request) { s.pages.ErrorPage(w, r, mismatch()) })
	v := s.visitor()
	p := v.get("/broken?ui_locales=fr")
	if !strings.Contains(p.body, `<html lang="fr">`) ||
		!strings.Contains(p.header.Get("Content-Security-Policy"), "form-action 'self'") {
		t.Errorf("got %d, policy %q", p.status, p.header.Get("Content-Security-Policy"))
	}
	back := field(t, p.body, "back")
	if back != "/broken" {
		t.Fatalf("the menu leads back to %q", back)
	}
	v.leads(v.post("/language", "language", "ru", "back", back), back)
	if p := v.get("/login?i=nonsense"); p.status != http.StatusBadRequest ||
		!strings.Contains(p.body, `<html lang="ru">`) || strings.Contains(p.body, "nonsense") {
		t.Errorf("an error page has another language than the user chose, or repeats the query: %d", p.status)
	}
	for what, menu := range map[string]bool{"a page": true, "a form": false, "a picture": false} {
		v := s.visitor()
		req := v.request("/broken")
		if what != "a form" {
			req.Method = http.MethodGet
		}
		if what == "a picture" {
			req.Header.Set("Sec-Fetch-Site", "cross-site")
			req.Header.Set("Sec-Fetch-Mode", "no-cors")
		}
		if p := v.do(req); strings.Contains(p.body, `name="back"`) != menu || (v.cookie("browser") != "") != menu {
			t.Errorf("%s: got %d with a menu %v, and the cookie %q", what, p.status, !menu, v.cookie("browser"))
		}
	}
}
